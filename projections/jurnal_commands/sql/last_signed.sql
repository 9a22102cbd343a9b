SELECT max(signed_at) AS signed_at FROM send WHERE company_id = $1
