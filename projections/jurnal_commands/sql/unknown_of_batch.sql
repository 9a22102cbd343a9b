-- What of a call without a usable answer must be looked up now, of one store.
SELECT s.store_id, s.command_id, s.kind, k.stream_id, k.body, s.state, s.attempt, s.due_at, s.signed_at, s.absent_from,
       s.request_digest, s.credit_before, s.owed_before, s.vouched, s.released_at, s.alone, s.batch_id
FROM send s
JOIN command k ON k.store_id = s.store_id AND k.command_id = s.command_id AND k.state IN ('due', 'skipped')
WHERE s.store_id = $1 AND s.company_id = $2 AND s.state = 'unknown' AND s.due_at <= $3 AND s.batch_id = $4
ORDER BY s.due_at, s.command_id
