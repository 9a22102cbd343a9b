INSERT INTO archive (store_id, first, last, hash_before, hash_after, sha256, file_name, archived_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, jurnalsync_clock())
