INSERT INTO quota_demand (company_id, address, purpose, asked_at, able_at, waiting_since, free_at, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (company_id, address, purpose) DO UPDATE
SET asked_at = excluded.asked_at, able_at = coalesce(excluded.able_at, quota_demand.able_at),
    waiting_since = excluded.waiting_since, free_at = excluded.free_at, reason = excluded.reason
