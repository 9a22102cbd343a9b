SELECT position FROM archived_fact WHERE store_id = $1 AND stream_id = $2 ORDER BY stream_version DESC LIMIT $3
