SELECT c.store_id, c.command_id, c.stream_id, c.body, s.state, s.attempt, s.signed_at, s.absent_from, s.request_digest
FROM send s
JOIN command c ON c.store_id = s.store_id AND c.command_id = s.command_id
WHERE s.store_id = $1 AND c.store_id = $1 AND s.company_id = $2
  AND s.state IN ('due', 'waiting', 'unknown') AND s.due_at <= $3 AND c.state = 'due'
  AND NOT EXISTS (
      SELECT 1 FROM command earlier
      WHERE earlier.store_id = $1 AND earlier.lane = c.lane AND earlier.state <> 'accepted'
        AND (earlier.position, earlier.ordinal) < (c.position, c.ordinal))
  AND NOT EXISTS (
      SELECT 1 FROM unnest(c.needs) AS need (command_id)
      LEFT JOIN command needed ON needed.store_id = $1 AND needed.command_id = need.command_id
      WHERE needed.state IS DISTINCT FROM 'accepted')
ORDER BY s.state = 'unknown' DESC, s.due_at, c.position, c.ordinal
LIMIT 1
