UPDATE public.projection_cursor SET generation = generation + 1 WHERE store_id = $1 AND projection = $2
