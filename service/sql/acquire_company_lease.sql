INSERT INTO company_lease AS held (company_id, owner, epoch, expires_at)
SELECT $1, $2, 1, clock.now + $3::interval FROM (SELECT jurnalsync_clock() AS now) clock
ON CONFLICT (company_id) DO UPDATE
SET owner = excluded.owner,
    epoch = held.epoch + (CASE WHEN held.owner = excluded.owner AND held.expires_at > excluded.expires_at - $3 THEN 0 ELSE 1 END),
    expires_at = excluded.expires_at
WHERE held.owner = excluded.owner OR held.expires_at <= excluded.expires_at - $3
RETURNING epoch, expires_at
