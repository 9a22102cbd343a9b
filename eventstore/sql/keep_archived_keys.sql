INSERT INTO archived_fact (store_id, position, stream_id, stream_version, source_id)
SELECT store_id, position, stream_id, stream_version, source_id FROM facts
WHERE store_id = $1 AND position >= $2 AND position <= $3
ON CONFLICT DO NOTHING
