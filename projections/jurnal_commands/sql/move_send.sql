-- `released_at` is the position up to which releases have counted for this send. A last word moves it to its own ($8), not
-- further: of all releases only one that stands behind it in the ledger answers it, whatever of the two is folded by now.
-- It moves back too, when a process that was held up says its last word after that release was taken: it counts again.
UPDATE send SET state = $4, due_at = $5, reason = $6, absent_from = coalesce($7, absent_from),
                released_at = coalesce($8, released_at)
WHERE store_id = $1 AND command_id = $2 AND attempt = $3 AND state <> 'done'
