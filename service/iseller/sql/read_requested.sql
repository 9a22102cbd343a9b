SELECT position, next_page, finished FROM requested_read WHERE store_id = $1 AND position = ANY ($2::bigint[])
