INSERT INTO public.:table
SELECT * FROM projection_shadow.:table WHERE store_id = $1
EXCEPT SELECT * FROM public.:table WHERE store_id = $1
