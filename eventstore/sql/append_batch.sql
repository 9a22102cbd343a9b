-- The facts go in first and the head is compared and set last, so that two batches are inserted at the same time and
-- only their ends wait for each other. The head is locked before it is compared: that waits for a batch that is being
-- committed and reads what it left, where an UPDATE alone would judge the row that this statement began with.
-- A head that stands elsewhere becomes null, which its column refuses: nothing of the batch stays.
--
-- The order of locks keeps batches from waiting in a circle: the turn (shared; a writer that starved takes it alone), the
-- first fact's position, only then the batch's own end, which its successor waits for before it looks at the head. So a
-- successor waits for nobody who could still be stopped by another writer's facts.
--
-- What was archived is as unique as what stands in the table. If more was archived meanwhile, this statement may not see
-- its keys, but then the head does not stand at $17 any more.
--
-- Texts and numbers travel as array literals: the driver takes 0.45 µs for an element of an array, the server less to
-- read it. A column that is the same in all rows travels as one element; unnest leaves it null in the other rows.
WITH inserted AS (
    INSERT INTO facts (store_id, position, stream_id, stream_version, type, schema_version, source_id,
                       observed_at, recorded_at, body, sealed, metadata, hash)
    SELECT $1, $2 + u.ordinal, u.stream_id, u.stream_version, coalesce(u.type, ($9::text[])[1]),
           coalesce(u.schema_version, ($10::smallint[])[1]), u.source_id,
           coalesce(u.observed_at, ($12::timestamptz[])[1]), $6, u.body, coalesce(u.sealed, ($14::bytea[])[1]),
           u.metadata, substring($16::bytea, (u.ordinal * 32 - 31)::integer, 32)
    FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0)) OFFSET 0) AS turn,
         unnest($7::text::text[], $8::text::integer[], $9::text[], $10::smallint[], $11::text::text[],
                $12::timestamptz[], $13::bytea[], $14::bytea[], $15::bytea[])
         WITH ORDINALITY AS u (stream_id, stream_version, type, schema_version, source_id,
                               observed_at, body, sealed, metadata, ordinal)
    RETURNING CASE WHEN position = $2 + 1 THEN pg_advisory_xact_lock(hashtextextended(encode($5, 'hex'), 0)) END
), head AS MATERIALIZED (
    SELECT ledger_head.position = $2 AND ledger_head.hash = $3 AND ledger_head.archived = $17 AND (
               $17 = 0
               OR NOT EXISTS (SELECT FROM unnest($11::text::text[]) AS u (source_id),
                              LATERAL (SELECT FROM archived_fact a
                                       WHERE a.store_id = $1 AND a.source_id = u.source_id OFFSET 0) AS archived)
               AND NOT EXISTS (SELECT FROM unnest($7::text::text[], $8::text::integer[]) AS u (stream_id, stream_version),
                               -- A look-up for each, whatever a plan made while nothing was archived thinks of it.
                               LATERAL (SELECT FROM archived_fact a
                                        WHERE a.store_id = $1 AND a.stream_id = u.stream_id
                                          AND a.stream_version = u.stream_version OFFSET 0) AS archived)
           ) AS stands_before
    FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended(encode($3, 'hex'), 0))
          FROM (SELECT count(*) FROM inserted) AS all_of_them) AS predecessor,
         ledger_head
    WHERE ledger_head.store_id = $1
    FOR NO KEY UPDATE OF ledger_head
)
UPDATE ledger_head SET position = CASE WHEN head.stands_before THEN $4::bigint END, hash = $5, recorded_at = $6
FROM head
WHERE store_id = $1
