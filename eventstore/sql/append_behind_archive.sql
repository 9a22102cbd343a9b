-- As append_batch.sql, for a ledger of which positions up to $17 are archived: the facts' own indexes refuse what stands in
-- the table, and what was archived from it is as unique. If more was archived meanwhile, this statement may not see its
-- keys, but then the head does not stand at $17 any more. No rows: the careful way reads what is known.
WITH locked AS MATERIALIZED (
    SELECT store_id, position, hash, archived FROM ledger_head WHERE store_id = $1 FOR UPDATE
), head AS (
    UPDATE ledger_head SET position = $4, hash = $5, recorded_at = $6
    FROM locked
    WHERE ledger_head.store_id = $1 AND locked.store_id = $1 AND locked.position = $2 AND locked.hash = $3
      AND locked.archived = $17
      AND NOT EXISTS (SELECT FROM archived_fact a WHERE a.store_id = $1 AND a.source_id = ANY ($11::text[]))
      AND NOT EXISTS (SELECT FROM unnest($7::text[], $8::integer[]) AS u (stream_id, stream_version)
                      JOIN archived_fact a ON a.store_id = $1 AND a.stream_id = u.stream_id
                                          AND a.stream_version = u.stream_version)
    RETURNING ledger_head.store_id
)
INSERT INTO facts (store_id, position, stream_id, stream_version, type, schema_version, source_id,
                   observed_at, recorded_at, body, sealed, metadata, hash)
SELECT head.store_id, $2 + u.ordinal, u.stream_id, u.stream_version, u.type, u.schema_version, u.source_id,
       u.observed_at, $6, u.body, u.sealed, u.metadata, u.hash
FROM head, unnest($7::text[], $8::integer[], $9::text[], $10::smallint[], $11::text[],
                  $12::timestamptz[], $13::bytea[], $14::bytea[], $15::bytea[], $16::bytea[])
     WITH ORDINALITY AS u (stream_id, stream_version, type, schema_version, source_id,
                           observed_at, body, sealed, metadata, hash, ordinal)
