INSERT INTO credential (store_id, reference, sealed, fingerprint, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (store_id, reference) DO UPDATE
SET sealed = excluded.sealed, fingerprint = excluded.fingerprint, updated_at = excluded.updated_at
