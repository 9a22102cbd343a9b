SELECT body, document FROM command WHERE store_id = $1 AND command_id = $2 AND state = 'accepted'
