SELECT name, key, body, position FROM store_setting WHERE store_id = $1 ORDER BY name, key
