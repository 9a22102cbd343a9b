UPDATE projection_cursor SET position = $4, epoch = $5, folded_at = $6
WHERE store_id = $1 AND projection = $2 AND position = $3 AND epoch <= $5
