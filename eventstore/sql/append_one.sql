-- One fact behind a head that no batch of this process is about to move, in a ledger of which nothing was archived: what
-- append_batch.sql does without its waits and look-ups, in two thirds of the time. Whoever moves the head meanwhile is
-- another writer, or archives, and makes it null as well.
WITH inserted AS (
    INSERT INTO facts (store_id, position, stream_id, stream_version, type, schema_version, source_id,
                       observed_at, recorded_at, body, sealed, metadata, hash)
    SELECT $1, $4, $7, $8, $9, $10, $11, $12, $6, $13, $14, $15, $5
    WHERE pg_advisory_xact_lock_shared(hashtextextended($1, 0)) IS NOT NULL
    RETURNING position
)
UPDATE ledger_head
SET position = CASE WHEN ledger_head.position = $2 AND ledger_head.hash = $3 AND ledger_head.archived = 0 THEN inserted.position END,
    hash = $5, recorded_at = $6
FROM inserted
WHERE store_id = $1
