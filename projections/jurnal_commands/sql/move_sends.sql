-- `released_at` is the position up to which releases have counted for this send. A last word moves it to its own
-- (`settled_at`), not further: of all releases only one that stands behind it in the ledger answers it, whatever of the
-- two is folded by now. It moves back too, when a process that was held up says its last word after that release was
-- taken: it counts again.
WITH wanted AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[],
                $8::bigint[], $9::bool[], $10::text[], $11::int[], $12::text[], $14::text[], $15::timestamptz[])
        AS w (store_id, command_id, attempt, state, due_at, reason, absent_from, settled_at, alone, outcome, http_status,
              response_digest, seen_state, seen_due_at)
), moved AS (
    UPDATE send s
    SET state = w.state, due_at = w.due_at, reason = w.reason, absent_from = coalesce(w.absent_from, s.absent_from),
        released_at = coalesce(w.settled_at, s.released_at), alone = s.alone OR w.alone,
        -- What goes alone is looked up alone.
        batch_id = CASE WHEN NOT w.alone THEN s.batch_id END
    FROM wanted w
    WHERE s.store_id = w.store_id AND s.command_id = w.command_id AND s.attempt = w.attempt AND s.state <> 'done'
      -- What another process must look up since is not put back into the queue by one that was held up.
      AND (w.seen_state IS NULL OR (s.state, s.due_at) = (w.seen_state, w.seen_due_at))
    RETURNING s.command_id
), ended AS (
    UPDATE attempt a
    SET outcome = w.outcome, http_status = w.http_status, response_digest = w.response_digest, answered_at = $13
    FROM wanted w
    WHERE a.store_id = w.store_id AND a.command_id = w.command_id AND a.number = w.attempt AND w.outcome IS NOT NULL
)
SELECT count(*) FROM moved
