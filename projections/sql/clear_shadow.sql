DELETE FROM projection_shadow.:table WHERE store_id = $1 AND projection = $2
