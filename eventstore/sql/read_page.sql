-- Not ordered: without statistics the planner takes a bitmap and sorts whole rows, at five times the cost of reading them.
-- They come almost in order anyway, and the reader puts them right.
SELECT store_id, position, stream_id, type, schema_version, timestamptz_send(observed_at) AS observed_at,
       timestamptz_send(recorded_at) AS recorded_at, body, metadata
FROM facts WHERE store_id = $1 AND position > $2 AND position <= $2 + $3
