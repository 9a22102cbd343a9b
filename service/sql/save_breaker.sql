UPDATE company_breaker
SET state = $2, epoch = $3, failures = $4, openings = $5, until = $6, owner = $7, since = $8, reason = $9
WHERE company_id = $1
