INSERT INTO public.:table SELECT * FROM projection_shadow.:table WHERE store_id = $1
