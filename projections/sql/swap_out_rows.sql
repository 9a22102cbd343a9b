DELETE FROM public.:table WHERE store_id = $1
