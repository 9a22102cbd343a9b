SELECT EXISTS (SELECT 1 FROM command WHERE store_id = $1 AND command_id = $2)
