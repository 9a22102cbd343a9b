SELECT stream_id, position FROM stalled_stream WHERE store_id = $1 AND projection = $2
