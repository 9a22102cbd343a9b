SELECT command_id FROM difference WHERE store_id = $1 AND kind = 'unknown' AND resolved_at = 0
