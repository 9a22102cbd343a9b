SELECT store_id, position, stream_id, stream_version, type, schema_version, source_id,
       observed_at, recorded_at, body, sealed, metadata, hash
FROM facts WHERE store_id = $1 AND stream_id = $2 AND position >= $3 AND position < $4 ORDER BY stream_version
