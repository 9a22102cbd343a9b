-- What this ledger would send and stands in Jurnal all the same, as after a restore, is looked up first: also what it tried
-- before, for it may have been tried once more since. Once looked up for a finding, it is not again for the same one.
UPDATE send SET state = 'unknown', attempt = greatest(attempt, 1), due_at = $3, absent_from = $4,
                found_at = d.found_at, reason = 'Jurnal was found to have it already'
FROM (
    SELECT command_id, max(found_at) AS found_at
    FROM difference
    WHERE store_id = $1 AND kind = 'unknown' AND resolved_at = 0
    GROUP BY command_id
) d
WHERE send.store_id = $1 AND send.company_id = $2 AND send.command_id = d.command_id
  AND send.state IN ('due', 'waiting') AND send.found_at < d.found_at
