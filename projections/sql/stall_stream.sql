INSERT INTO stalled_stream (store_id, projection, stream_id, position, error, stalled_at)
VALUES ($1, $2, $3, $4, $5, jurnalsync_clock())
ON CONFLICT (store_id, projection, stream_id) DO NOTHING
