SELECT min(position) FROM facts WHERE store_id = $1
