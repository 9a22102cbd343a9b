DELETE FROM public.stalled_stream WHERE store_id = $1 AND projection = $2
