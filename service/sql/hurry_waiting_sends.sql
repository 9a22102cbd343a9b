-- What waits in store $1 for a limit of Jurnal's that was lifted since ($3: what it says of it) goes at once.
-- Nothing else changes: who has taken it meanwhile keeps it.
UPDATE send SET due_at = jurnalsync_clock()
WHERE store_id = $1 AND company_id = $2 AND state = 'waiting' AND reason = $3 AND due_at > jurnalsync_clock()
