-- What was cut off, settled, skipped, superseded or released since the last look, in one statement: ways of other rows,
-- so that no row goes two ways at once. What goes on from there does so at the next look; until then nothing is sent of it.
-- $1 store, $2 company, $3 now, $4 from when the absence of what was released may be concluded.
WITH expired AS (
    -- What was cut off behind its answer's fact is done.
    UPDATE send SET due_at = $3, reason = 'The attempt was cut off before its answer',
                    state = CASE WHEN EXISTS (SELECT 1 FROM command c
                                              WHERE c.store_id = $1 AND c.command_id = send.command_id
                                                AND c.state IN ('accepted', 'refused', 'superseded'))
                                 THEN 'done' ELSE 'unknown' END
    WHERE store_id = $1 AND company_id = $2 AND state = 'sending' AND deadline_at <= $3
    RETURNING command_id, attempt
), ended AS (
    UPDATE attempt a SET outcome = 'unknown'
    FROM expired e
    WHERE a.store_id = $1 AND a.command_id = e.command_id AND a.number = e.attempt AND a.outcome IS NULL
), settled AS (
    UPDATE send SET state = 'done'
    WHERE store_id = $1 AND company_id = $2 AND state = 'unknown' AND due_at <= $3
      AND EXISTS (SELECT 1 FROM command c
                  WHERE c.store_id = $1 AND c.command_id = send.command_id AND c.state IN ('accepted', 'refused', 'superseded'))
), skipped AS (
    -- What is on its way when it is skipped is looked up first: somebody must know whether it is in Jurnal.
    UPDATE send SET state = 'done'
    FROM command c
    WHERE c.store_id = $1 AND c.state = 'skipped' AND send.store_id = $1 AND send.company_id = $2
      AND send.command_id = c.command_id AND send.state IN ('due', 'waiting')
), superseded AS (
    -- It was never sent, or refused: nothing of it is on its way.
    UPDATE send SET state = 'done'
    FROM command c
    WHERE c.store_id = $1 AND c.state = 'superseded' AND send.store_id = $1 AND send.company_id = $2
      AND send.command_id = c.command_id AND send.state IN ('due', 'waiting')
), released AS (
    -- A released command is looked up before it is sent again: whatever it did before, it is booked at most once.
    -- One that was refused before anything was signed did nothing: its absence holds at once. A send whose row was lost has
    -- a time for its absence, although it has no signature.
    -- A person vouches for what was refused, so the release must be later than the last word that ended the send: that is
    -- its `released_at`. Commands cannot tell it: one that was parked, released, then refused looks due until the refusal
    -- is folded. What `settled` ended had its last word folded, so that only a later release makes its command due.
    UPDATE send SET state = 'unknown', due_at = $3, released_at = c.released_at, kind = c.kind, batch_id = NULL,
                    absent_from = coalesce(send.absent_from,
                                           CASE WHEN send.signed_at IS NULL THEN $3::timestamptz ELSE $4::timestamptz END),
                    vouched = true, reason = 'Released; looked up first'
    FROM command c
    WHERE send.store_id = $1 AND send.company_id = $2 AND send.state = 'done'
      AND c.store_id = $1 AND c.command_id = send.command_id AND c.state = 'due' AND c.released_at > 0
      AND (c.released_at > send.released_at
           -- Planned anew by the very refusal that ended the send.
           OR (c.released_at = send.released_at AND c.released_at = c.settled_at))
)
SELECT count(*) FROM expired
