SELECT max(signed_at) AS signed_at FROM send WHERE store_id = $1 AND company_id = $2
