INSERT INTO company_breaker (company_id, state, epoch, failures, openings, reason)
VALUES ($1, 'closed', 0, 0, 0, '') ON CONFLICT (company_id) DO NOTHING
