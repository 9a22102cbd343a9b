-- Walks what is due in order and stops at the first that its lane and its needs let go: cost does not grow with the queue.
-- Before it in its lane stands nothing, or what is in Jurnal, or what is skipped, also because it needs what is skipped.
-- What was skipped while its attempt was under way is still looked up, and never sent.
-- With a day in $4, only business of that day or later: asked when what stands before it finds no place in the quota. The
-- day is looked at before lanes and needs, so that a long queue of older documents is passed over quickly.
SELECT s.store_id, s.command_id, c.stream_id, c.body, s.state, s.attempt, s.signed_at, s.absent_from, s.request_digest,
       s.credit_before, s.owed_before, s.vouched, s.released_at
FROM send s
CROSS JOIN LATERAL (
    SELECT k.stream_id, k.body
    FROM command k
    WHERE k.store_id = s.store_id AND k.command_id = s.command_id
      AND (k.state = 'due' OR (k.state = 'skipped' AND s.state = 'unknown'))
      AND NOT EXISTS (
          SELECT 1 FROM command earlier
          WHERE earlier.store_id = k.store_id AND earlier.lane = k.lane
            AND (earlier.position, earlier.ordinal) < (k.position, k.ordinal)
            AND earlier.state NOT IN ('accepted', 'skipped')
            AND NOT EXISTS (
                SELECT 1 FROM command needed
                WHERE needed.store_id = earlier.store_id AND needed.command_id = ANY (earlier.needs)
                  AND needed.state = 'skipped'))
      AND NOT EXISTS (
          SELECT 1 FROM unnest(k.needs) AS need (command_id)
          LEFT JOIN command needed ON needed.store_id = k.store_id AND needed.command_id = need.command_id
          WHERE needed.state IS DISTINCT FROM 'accepted')
    LIMIT 1
) c
WHERE s.store_id = $1 AND s.company_id = $2 AND s.state IN ('due', 'waiting', 'unknown') AND s.due_at <= $3
  AND ($4::date IS NULL
       OR EXISTS (SELECT FROM command dated
                  JOIN sync_record r ON r.store_id = dated.store_id AND r.record_id = dated.record_id
                  WHERE dated.store_id = s.store_id AND dated.command_id = s.command_id AND r.business_date >= $4))
ORDER BY (s.state <> 'unknown'), s.due_at, s.command_id
LIMIT 1
