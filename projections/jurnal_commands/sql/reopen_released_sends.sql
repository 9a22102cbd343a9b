-- A released command is looked up before it is sent again: whatever it did before, it is booked at most once.
-- One that was refused before anything was signed did nothing: its absence holds at once. A send whose row was lost has
-- a time for its absence, although it has no signature.
-- A person vouches for what was refused, so the release must be later than the last word that ended the send: that is its
-- `released_at`. Commands cannot tell it: one that was parked, released, then refused looks due until the refusal is folded.
-- What `close_settled_sends` ended had its last word folded, so that only a later release makes its command due.
UPDATE send SET state = 'unknown', due_at = $3, released_at = c.released_at, kind = c.kind, batch_id = NULL,
                absent_from = coalesce(send.absent_from, CASE WHEN send.signed_at IS NULL THEN $3::timestamptz ELSE $4::timestamptz END),
                vouched = true, reason = 'Released; looked up first'
FROM command c
WHERE send.store_id = $1 AND send.company_id = $2 AND send.state = 'done'
  AND c.store_id = $1 AND c.command_id = send.command_id AND c.state = 'due' AND c.released_at > 0 AND (c.released_at > send.released_at
       -- Planned anew by the very refusal that ended the send.
       OR (c.released_at = send.released_at AND c.released_at = c.settled_at))
