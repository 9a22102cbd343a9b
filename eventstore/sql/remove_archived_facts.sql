DELETE FROM facts WHERE store_id = $1 AND position >= $2 AND position <= $3
