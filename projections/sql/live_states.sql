SELECT key, state FROM public.projection_state WHERE store_id = $1 AND projection = $2
