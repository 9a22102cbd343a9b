SELECT difference_id, greatest(resolved_at, accepted_at) AS decided_at FROM difference
WHERE store_id = $1 AND difference_id = ANY ($2::text[]) AND greatest(resolved_at, accepted_at) > 0
