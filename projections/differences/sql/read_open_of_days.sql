SELECT difference_id, kind, resource, command_id, found_at, business_date FROM difference
WHERE store_id = $1 AND resolved_at = 0 AND business_date BETWEEN $2 AND $3
ORDER BY difference_id
