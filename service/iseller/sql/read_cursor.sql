SELECT modified_after, reading_after, swept_on FROM poll_cursor WHERE store_id = $1 AND endpoint = $2
