INSERT INTO projection_cursor (store_id, projection, position, epoch, folded_at) VALUES ($1, $2, 0, 0, jurnalsync_clock())
ON CONFLICT (store_id, projection) DO NOTHING
