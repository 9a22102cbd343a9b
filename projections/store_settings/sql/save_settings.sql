INSERT INTO store_setting (store_id, name, key, body, position)
SELECT c.store_id, u.*
FROM projection_cursor c, unnest($3::text[], $4::text[], $5::bytea[], $6::bigint[]) AS u
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, name, key) DO UPDATE SET body = excluded.body, position = excluded.position
WHERE excluded.name <> 'LiveModeActivated'
