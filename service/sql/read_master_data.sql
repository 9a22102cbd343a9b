SELECT kind, key, jurnal_id, name, category FROM master_data WHERE store_id = $1
