INSERT INTO person_key (store_id, person, wrapped_key, created_at)
SELECT $1, u.person, u.wrapped_key, $4 FROM unnest($2::bytea[], $3::bytea[]) AS u (person, wrapped_key)
ON CONFLICT (store_id, person) DO NOTHING
