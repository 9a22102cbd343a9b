WITH head AS (
    UPDATE ledger_head SET position = $4, hash = $5, recorded_at = $6
    WHERE store_id = $1 AND position = $2 AND hash = $3
    RETURNING store_id
)
INSERT INTO facts (store_id, position, stream_id, stream_version, type, schema_version, source_id,
                   observed_at, recorded_at, body, sealed, metadata, hash)
SELECT head.store_id, u.position, u.stream_id, u.stream_version, u.type, u.schema_version, u.source_id,
       u.observed_at, $6, u.body, u.sealed, u.metadata, u.hash
FROM head, unnest($7::bigint[], $8::text[], $9::integer[], $10::text[], $11::smallint[], $12::text[],
                  $13::timestamptz[], $14::bytea[], $15::bytea[], $16::bytea[], $17::bytea[])
     AS u (position, stream_id, stream_version, type, schema_version, source_id,
           observed_at, body, sealed, metadata, hash)
