-- One call's attempts, each with its row; which of them could begin is returned. Who gets fewer than were asked for
-- takes all back.
WITH wanted AS (
    SELECT *
    FROM unnest($1::text[], $2::text[], $3::int[], $4::timestamptz[], $5::numeric[], $6::numeric[])
        AS w (store_id, command_id, attempt, absent_from, credit_before, owed_before)
), begun AS (
    UPDATE send s
    SET state = 'sending', attempt = s.attempt + 1, signed_at = $7, deadline_at = $8, absent_from = w.absent_from,
        request_digest = $9, reason = NULL, credit_before = w.credit_before, owed_before = w.owed_before, vouched = false,
        batch_id = CASE WHEN $10::int > 1 THEN $11::uuid END
    FROM wanted w
    WHERE s.store_id = w.store_id AND s.command_id = w.command_id AND s.attempt = w.attempt
      AND s.state IN ('due', 'waiting') AND ($10::int = 1 OR NOT s.alone)
      AND EXISTS (SELECT 1 FROM company_lease WHERE company_id = $12 AND owner = $13 AND epoch = $14 AND expires_at > $7)
      -- What was decided while it was prepared counts: parked, skipped or settled meanwhile, or the store paused.
      AND (SELECT c.state FROM command c WHERE c.store_id = w.store_id AND c.command_id = w.command_id) = 'due'
      -- What was found before a store was paused or resumed is folded, and what Jurnal was found to have is looked up first.
      AND NOT EXISTS (
          SELECT 1 FROM facts f
          WHERE f.store_id = w.store_id AND f.stream_id = 'operations'
            AND f.position > coalesce((SELECT p.position FROM projection_cursor p
                                       WHERE p.store_id = w.store_id AND p.projection = 'differences'), 0))
      AND NOT EXISTS (
          SELECT 1 FROM difference d
          WHERE d.store_id = w.store_id AND d.command_id = w.command_id AND d.kind = 'unknown' AND d.resolved_at = 0
            AND d.found_at > s.found_at)
      AND NOT coalesce(
          -- As `read_paused_sending`, by the ledger itself.
          (SELECT f.type = 'StorePaused' FROM facts f
           WHERE f.store_id = w.store_id AND f.stream_id = 'operations' ORDER BY f.stream_version DESC LIMIT 1),
          EXISTS (SELECT 1 FROM store_setting t WHERE t.store_id = w.store_id AND t.name = 'Sending' AND t.body <> ''))
    RETURNING s.store_id, s.command_id, s.attempt, s.absent_from
), recorded AS (
    INSERT INTO attempt (store_id, command_id, number, company_id, batch_id, rows, signed_at, deadline_at, absent_from,
                         request_digest, owner)
    SELECT store_id, command_id, attempt, $12, $11, $10, $7, $8, absent_from, $9, $13 FROM begun
)
SELECT store_id, command_id FROM begun
