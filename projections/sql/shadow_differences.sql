(SELECT 'live' AS side, to_jsonb(l)::text AS row
 FROM (SELECT * FROM public.:table WHERE store_id = $1 EXCEPT SELECT * FROM projection_shadow.:table WHERE store_id = $1) l
 LIMIT $2)
UNION ALL
(SELECT 'rebuilt', to_jsonb(s)::text
 FROM (SELECT * FROM projection_shadow.:table WHERE store_id = $1 EXCEPT SELECT * FROM public.:table WHERE store_id = $1) s
 LIMIT $2)
ORDER BY row
