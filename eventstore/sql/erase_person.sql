UPDATE person_key SET wrapped_key = NULL, erased_at = $3 WHERE store_id = $1 AND person = $2 AND wrapped_key IS NOT NULL
