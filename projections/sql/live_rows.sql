SELECT :columns FROM public.:table WHERE store_id = $1
