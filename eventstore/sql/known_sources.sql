SELECT source_id, position, stream_version FROM facts WHERE store_id = $1 AND source_id = ANY ($2::text[])
UNION
SELECT source_id, position, stream_version FROM archived_fact WHERE store_id = $1 AND source_id = ANY ($2::text[])
