SELECT record_id, kind, reference, status, updated, outlet, business_date, amount, reason, what_to_do, documents
FROM sync_list
WHERE store_id = $1 AND record_id = ANY ($2::text[])
