-- A company that never failed has no row: it reads as closed.
SELECT coalesce(b.state, 'closed') AS state, coalesce(b.epoch, 0) AS epoch, coalesce(b.failures, 0) AS failures,
       coalesce(b.openings, 0) AS openings, b.until, b.owner, b.since, coalesce(b.reason, '') AS reason, clock.now
FROM (SELECT jurnalsync_clock() AS now) clock LEFT JOIN company_breaker b ON b.company_id = $1
