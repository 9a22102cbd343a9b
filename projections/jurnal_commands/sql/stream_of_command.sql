SELECT stream_id FROM command WHERE store_id = $1 AND command_id = $2
