-- $3: how long a lease lives, $4: a lease of our own that lives longer than this is only looked at.
WITH clock AS MATERIALIZED (SELECT jurnalsync_clock() AS now), young AS (
    SELECT held.epoch FROM company_lease held, clock
    WHERE held.company_id = $1 AND held.owner = $2 AND held.expires_at > clock.now + $4::interval
), taken AS (
    INSERT INTO company_lease AS held (company_id, owner, epoch, expires_at)
    SELECT $1, $2, 1, clock.now + $3::interval FROM clock WHERE NOT EXISTS (SELECT FROM young)
    ON CONFLICT (company_id) DO UPDATE
    SET owner = excluded.owner,
        epoch = held.epoch
            + (CASE WHEN held.owner = excluded.owner AND held.expires_at > excluded.expires_at - $3 THEN 0 ELSE 1 END),
        expires_at = excluded.expires_at
    WHERE held.owner = excluded.owner OR held.expires_at <= excluded.expires_at - $3
    RETURNING held.epoch
)
SELECT held.epoch, clock.now FROM (SELECT epoch FROM young UNION ALL SELECT epoch FROM taken) held, clock
