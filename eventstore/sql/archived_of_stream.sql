SELECT position FROM archived_fact
WHERE store_id = $1 AND stream_id = $2 AND stream_version > $3 ORDER BY stream_version LIMIT $4
