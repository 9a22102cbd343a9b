-- Makes the row where there is none. What is returned is read after the wait for the lock, the time too.
INSERT INTO company_breaker AS known (company_id, state, epoch, failures, openings, reason)
VALUES ($1, 'closed', 0, 0, 0, '')
ON CONFLICT (company_id) DO UPDATE SET company_id = excluded.company_id
RETURNING state, epoch, failures, openings, until, owner, since, reason, jurnalsync_clock() AS now
