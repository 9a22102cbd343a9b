-- The lock comes first: it waits for a batch in flight and reads what that one left, where an UPDATE alone would compare
-- with the head as it stood when the statement began, and miss. Behind an archive see append_behind_archive.sql.
WITH locked AS MATERIALIZED (
    SELECT store_id, position, hash, archived FROM ledger_head WHERE store_id = $1 FOR UPDATE
), head AS (
    UPDATE ledger_head SET position = $4, hash = $5, recorded_at = $6
    FROM locked
    WHERE ledger_head.store_id = $1 AND locked.store_id = $1 AND locked.position = $2 AND locked.hash = $3
      AND locked.archived = 0
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
