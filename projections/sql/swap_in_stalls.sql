INSERT INTO public.stalled_stream SELECT * FROM projection_shadow.stalled_stream WHERE store_id = $1 AND projection = $2
