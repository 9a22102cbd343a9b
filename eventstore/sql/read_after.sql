SELECT store_id, position, stream_id, stream_version, type, schema_version, source_id,
       observed_at, recorded_at, body, sealed, metadata, hash
-- Bounded above too: without statistics the planner would sort all later facts for each page.
FROM facts WHERE store_id = $1 AND position > $2 AND position <= $2 + $3 ORDER BY position LIMIT $3
