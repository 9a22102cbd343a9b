SELECT person, wrapped_key FROM person_key WHERE store_id = $1 AND person = ANY ($2::bytea[])
