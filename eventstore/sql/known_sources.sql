SELECT source_id, position, stream_version FROM facts WHERE store_id = $1 AND source_id = ANY ($2::text[])
