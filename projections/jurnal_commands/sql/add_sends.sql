INSERT INTO send (store_id, command_id, company_id, kind, state, attempt, due_at)
SELECT c.store_id, u.command_id, u.company_id, u.kind, 'due', 0, c.folded_at
FROM projection_cursor c, unnest($3::text[], $4::text[], $5::text[]) AS u (command_id, company_id, kind)
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, command_id) DO NOTHING
