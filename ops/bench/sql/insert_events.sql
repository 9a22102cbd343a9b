INSERT INTO events (pos, stream, version, type, data, metadata)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::bytea[], $6::bytea[])
