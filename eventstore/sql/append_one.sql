-- One fact behind a head that no batch of this process is about to move: what append_batch.sql does without its waits,
-- in two thirds of the time. Whoever moves the head meanwhile is another writer, and makes it null as well.
WITH inserted AS (
    INSERT INTO facts (store_id, position, stream_id, stream_version, type, schema_version, source_id,
                       observed_at, recorded_at, body, sealed, metadata, hash)
    SELECT $1, $4, $7, $8, $9, $10, $11, $12, $6, $13, $14, $15, $5
    WHERE pg_advisory_xact_lock_shared(hashtextextended($1, 0)) IS NOT NULL
    RETURNING position
)
UPDATE ledger_head
SET position = CASE
        WHEN ledger_head.position = $2 AND ledger_head.hash = $3 AND ledger_head.archived = $16 AND (
            $16 = 0
            OR NOT EXISTS (SELECT FROM archived_fact a WHERE a.store_id = $1 AND a.source_id = $11)
            AND NOT EXISTS (SELECT FROM archived_fact a
                            WHERE a.store_id = $1 AND a.stream_id = $7 AND a.stream_version = $8)
        ) THEN inserted.position END,
    hash = $5, recorded_at = $6
FROM inserted
WHERE store_id = $1
