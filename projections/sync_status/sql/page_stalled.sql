SELECT 'stalled-' || t.stream_id AS record_id, max(t.position) AS place
FROM stalled_stream t
WHERE t.store_id = $1 AND ($2::text IS NULL OR t.stream_id ILIKE $2 OR t.error ILIKE $2)
GROUP BY t.stream_id
