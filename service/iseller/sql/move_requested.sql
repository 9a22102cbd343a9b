INSERT INTO requested_read (store_id, position, next_page, finished) VALUES ($1, $2, $3, $4)
ON CONFLICT (store_id, position) DO UPDATE SET next_page = excluded.next_page, finished = excluded.finished
