DELETE FROM public.:table WHERE store_id = $1 AND (:keys) IN (SELECT * FROM unnest(:arrays))
