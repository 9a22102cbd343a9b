INSERT INTO read_model (stream, version, reference) VALUES ($1, $2, $3)
ON CONFLICT (stream) DO UPDATE SET version = excluded.version, reference = excluded.reference
