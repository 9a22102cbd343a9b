SELECT sealed FROM credential WHERE store_id = $1 AND reference = $2
