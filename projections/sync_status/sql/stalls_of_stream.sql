-- The positions that a stream waits at, in whichever projection.
SELECT DISTINCT position FROM stalled_stream WHERE store_id = $1 AND stream_id = $2 ORDER BY position
