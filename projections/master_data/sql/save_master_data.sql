INSERT INTO master_data (store_id, kind, key, jurnal_id, name, category, rate, updated)
SELECT c.store_id, u.*
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::numeric[], $9::bigint[]) AS u
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, kind, key) DO UPDATE
SET jurnal_id = excluded.jurnal_id, name = excluded.name, category = excluded.category, rate = excluded.rate,
    updated = excluded.updated
