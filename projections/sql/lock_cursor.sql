SELECT position, generation FROM projection_cursor WHERE store_id = $1 AND projection = $2 FOR UPDATE
