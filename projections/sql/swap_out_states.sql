DELETE FROM public.projection_state
WHERE store_id = $1 AND projection = $2
  AND key IN (SELECT key
              FROM (SELECT key, state FROM public.projection_state WHERE store_id = $1 AND projection = $2
                    EXCEPT
                    SELECT key, state FROM projection_shadow.projection_state WHERE store_id = $1 AND projection = $2) wrong)
