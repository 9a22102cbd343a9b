UPDATE send
SET state = 'sending', attempt = $4, signed_at = $5, deadline_at = $6, absent_from = $7, request_digest = $8, reason = NULL,
    credit_before = $12, owed_before = $13, vouched = false
WHERE store_id = $1 AND command_id = $2 AND attempt = $3 AND state IN ('due', 'waiting')
  AND EXISTS (SELECT 1 FROM company_lease WHERE company_id = $9 AND owner = $10 AND epoch = $11 AND expires_at > $5)
  -- What was decided while it was prepared counts: parked, skipped or settled meanwhile, or the store paused.
  AND EXISTS (SELECT 1 FROM command c WHERE c.store_id = $1 AND c.command_id = $2 AND c.state = 'due')
  -- What was found before a store was paused or resumed is folded.
  AND NOT EXISTS (
      SELECT 1 FROM facts f
      WHERE f.store_id = $1 AND f.stream_id = 'operations'
        AND f.position > coalesce((SELECT c.position FROM projection_cursor c
                                   WHERE c.store_id = $1 AND c.projection = 'differences'), 0))
  -- What Jurnal was found to have already is looked up first: that counts as an attempt.
  AND ($4 > 1 OR NOT EXISTS (
      SELECT 1 FROM difference d WHERE d.store_id = $1 AND d.command_id = $2 AND d.kind = 'unknown' AND d.resolved_at = 0))
  AND NOT coalesce(
      -- As `read_paused_sending`, by the ledger itself.
      (SELECT f.type = 'StorePaused' FROM facts f
       WHERE f.store_id = $1 AND f.stream_id = 'operations' ORDER BY f.stream_version DESC LIMIT 1),
      EXISTS (SELECT 1 FROM store_setting WHERE store_id = $1 AND name = 'Sending' AND body <> ''))
