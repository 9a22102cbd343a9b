SELECT store_id, first, last, hash_before, hash_after, sha256, file_name FROM archive WHERE store_id = $1 ORDER BY first
