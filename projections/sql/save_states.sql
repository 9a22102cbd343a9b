INSERT INTO projection_state (store_id, projection, key, state)
SELECT c.store_id, c.projection, u.key, u.state
FROM projection_cursor c, unnest($3::text[], $4::bytea[]) AS u (key, state)
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, projection, key) DO UPDATE SET state = excluded.state
