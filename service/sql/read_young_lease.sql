-- A lease of our own that lives longer than $3, as `acquire_company_lease` would only look at it.
SELECT held.epoch, clock.now
FROM company_lease held, (SELECT jurnalsync_clock() AS now) clock
WHERE held.company_id = $1 AND held.owner = $2 AND held.expires_at > clock.now + $3::interval
