-- What of a line can be told to go again, and where: the streams of its commands, else the line's own.
SELECT r.record_id, r.state, r.stream_id, k.command_id, k.state AS command_state, k.stream_id AS lane,
       CASE WHEN h.what_to_do IS NOT NULL THEN h.reason || '. ' || h.what_to_do END AS behind
FROM sync_record r
LEFT JOIN command k ON k.store_id = r.store_id AND k.record_id = r.record_id AND r.state = 'booking'
LEFT JOIN command_shown h ON h.store_id = k.store_id AND h.command_id = k.command_id AND k.state = 'due'
WHERE r.store_id = $1 AND r.record_id = ANY ($2::text[])
UNION ALL
SELECT DISTINCT 'stalled-' || t.stream_id, 'stalled', t.stream_id, NULL, NULL, NULL, NULL
FROM stalled_stream t
WHERE t.store_id = $1 AND 'stalled-' || t.stream_id = ANY ($2::text[])
ORDER BY 1, 4
