-- The last word in the ledger counts, folded or not: a pause that was answered holds from then on. Of a word that is in the
-- archive the setting tells: what is archived was folded.
SELECT coalesce(
    (SELECT f.type = 'StorePaused' FROM facts f
     WHERE f.store_id = $1 AND f.stream_id = 'operations' ORDER BY f.stream_version DESC LIMIT 1),
    EXISTS (SELECT 1 FROM store_setting WHERE store_id = $1 AND name = 'Sending' AND body <> ''))
