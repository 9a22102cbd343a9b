DELETE FROM public.projection_state WHERE store_id = $1 AND projection = $2 AND key = ANY ($3::text[])
