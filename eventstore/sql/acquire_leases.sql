INSERT INTO store_lease AS held (store_id, purpose, owner, epoch, expires_at)
SELECT name, $2, $3, 1, clock.now + $4
FROM unnest($1::text[]) AS name, (SELECT jurnalsync_clock() AS now) AS clock
ON CONFLICT (store_id, purpose) DO UPDATE
SET owner = excluded.owner,
    epoch = held.epoch + (CASE WHEN held.owner = excluded.owner AND held.expires_at > excluded.expires_at - $4 THEN 0 ELSE 1 END),
    expires_at = excluded.expires_at
WHERE held.owner = excluded.owner OR held.expires_at <= excluded.expires_at - $4
RETURNING store_id, epoch
