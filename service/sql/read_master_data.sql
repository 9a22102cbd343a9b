SELECT kind, key, jurnal_id, name FROM master_data WHERE store_id = $1
