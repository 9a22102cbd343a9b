DELETE FROM stalled_stream WHERE store_id = $1 AND projection = $2 AND stream_id = $3
