SELECT store_id, position, stream_id, stream_version, type, schema_version, source_id,
       observed_at, recorded_at, body, sealed, metadata, hash
FROM facts WHERE store_id = $1 AND stream_id = $2 AND stream_version > $3 ORDER BY stream_version LIMIT $4
