SELECT state, epoch, failures, openings, until, owner, since, reason FROM company_breaker
WHERE company_id = $1 FOR UPDATE
