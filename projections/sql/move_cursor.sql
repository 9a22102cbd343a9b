UPDATE projection_cursor SET position = $4, epoch = $5, folded_at = jurnalsync_clock()
WHERE store_id = $1 AND projection = $2 AND position = $3 AND epoch <= $5 AND generation = $6
RETURNING store_id, projection, folded_at
