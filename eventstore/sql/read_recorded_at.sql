SELECT recorded_at FROM facts WHERE store_id = $1 AND position = $2
