WITH clock AS MATERIALIZED (SELECT jurnalsync_clock() AS now)
UPDATE quota_hold SET released_at = clock.now FROM clock
WHERE budget = ANY ($1::text[]) AND hold_id = $2 AND released_at > clock.now
