INSERT INTO public.projection_state
SELECT * FROM projection_shadow.projection_state WHERE store_id = $1 AND projection = $2
EXCEPT SELECT * FROM public.projection_state WHERE store_id = $1 AND projection = $2
