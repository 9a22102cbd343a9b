SELECT store_id, position, stream_id, type, schema_version, observed_at, body, metadata
-- Bounded above too: without statistics the planner would sort all later facts for each page.
FROM facts WHERE store_id = $1 AND position > $2 AND position <= $2 + $3 ORDER BY position LIMIT $3
