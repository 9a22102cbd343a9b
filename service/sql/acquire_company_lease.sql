INSERT INTO company_lease AS held (company_id, owner, epoch, expires_at) VALUES ($1, $2, 1, $4)
ON CONFLICT (company_id) DO UPDATE
SET owner = excluded.owner,
    epoch = held.epoch + (CASE WHEN held.owner = excluded.owner AND held.expires_at > $3 THEN 0 ELSE 1 END),
    expires_at = excluded.expires_at
WHERE held.owner = excluded.owner OR held.expires_at <= $3
RETURNING epoch
