DELETE FROM projection_shadow.:table WHERE store_id = $1
