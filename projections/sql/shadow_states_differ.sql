SELECT EXISTS (
    (SELECT key, state FROM public.projection_state WHERE store_id = $1 AND projection = $2
     EXCEPT SELECT key, state FROM projection_shadow.projection_state WHERE store_id = $1 AND projection = $2)
    UNION ALL
    (SELECT key, state FROM projection_shadow.projection_state WHERE store_id = $1 AND projection = $2
     EXCEPT SELECT key, state FROM public.projection_state WHERE store_id = $1 AND projection = $2)
    UNION ALL
    (SELECT stream_id, int8send(position) FROM public.stalled_stream WHERE store_id = $1 AND projection = $2
     EXCEPT
     SELECT stream_id, int8send(position) FROM projection_shadow.stalled_stream WHERE store_id = $1 AND projection = $2)
    UNION ALL
    (SELECT stream_id, int8send(position) FROM projection_shadow.stalled_stream WHERE store_id = $1 AND projection = $2
     EXCEPT SELECT stream_id, int8send(position) FROM public.stalled_stream WHERE store_id = $1 AND projection = $2)
)
