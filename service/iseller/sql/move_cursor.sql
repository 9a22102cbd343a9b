UPDATE poll_cursor SET modified_after = GREATEST(modified_after, $3), reading_after = $4
WHERE store_id = $1 AND endpoint = $2
