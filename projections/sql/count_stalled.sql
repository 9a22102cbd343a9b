SELECT count(DISTINCT (store_id, stream_id)) FROM stalled_stream
