DELETE FROM public.:table
WHERE store_id = $1
  AND (:keys) IN (SELECT :keys FROM (SELECT * FROM public.:table WHERE store_id = $1
                                     EXCEPT SELECT * FROM projection_shadow.:table WHERE store_id = $1) wrong)
