-- What was never sent by this ledger and stands in Jurnal all the same, as after a restore, is looked up and not sent.
UPDATE send SET state = 'unknown', attempt = 1, due_at = $3, absent_from = $4, reason = 'Jurnal was found to have it already'
WHERE store_id = $1 AND company_id = $2 AND state = 'due' AND attempt = 0
  AND EXISTS (SELECT 1 FROM difference d
              WHERE d.store_id = $1 AND d.command_id = send.command_id AND d.kind = 'unknown' AND d.resolved_at = 0)
