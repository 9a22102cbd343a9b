SELECT record_id, kind, reference, status, updated, outlet, business_date, amount, reason, what_to_do, documents
FROM sync_list
WHERE store_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR kind = $3)
  AND ($4::text IS NULL OR record_id > $4)
ORDER BY record_id LIMIT $5
