-- The first that must be looked up. What was skipped while its attempt was under way is still looked up, and never sent.
-- It was in its lane's turn when it was sent; of one whose row was lost it is asked again.
SELECT s.store_id, s.command_id, s.kind, c.stream_id, c.body, s.state, s.attempt, s.due_at, s.signed_at, s.absent_from,
       s.request_digest, s.credit_before, s.owed_before, s.vouched, s.released_at, s.alone, s.batch_id
FROM send s
CROSS JOIN LATERAL (
    SELECT k.stream_id, k.body, k.state
    FROM command_in_turn k
    WHERE k.store_id = s.store_id AND k.command_id = s.command_id
    LIMIT 1
) c
WHERE c.state IN ('due', 'skipped') AND s.store_id = $1 AND s.company_id = $2 AND s.state = 'unknown' AND s.due_at <= $3
ORDER BY s.due_at, s.command_id
LIMIT 1
