-- Attempts go on counting behind those that were recorded.
INSERT INTO send (store_id, command_id, company_id, kind, state, attempt, due_at, absent_from, released_at, reason)
SELECT c.store_id, c.command_id, c.company_id, c.kind, 'unknown',
       coalesce((SELECT max(a.number) FROM attempt a WHERE a.store_id = $1 AND a.command_id = c.command_id), 1),
       $3, $4, c.released_at, 'What was sent before is not known'
FROM command c
WHERE c.store_id = $1 AND c.company_id = $2 AND c.state = 'due'
  AND NOT EXISTS (SELECT 1 FROM send s WHERE s.store_id = $1 AND s.command_id = c.command_id)
ON CONFLICT (store_id, command_id) DO NOTHING
