SELECT position FROM projection_cursor WHERE store_id = $1 AND projection = 'jurnal_commands'
