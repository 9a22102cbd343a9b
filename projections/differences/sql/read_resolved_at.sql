SELECT difference_id, resolved_at FROM difference
WHERE store_id = $1 AND difference_id = ANY ($2::text[]) AND resolved_at > 0
