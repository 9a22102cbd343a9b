SELECT company_id, purpose, asked_at, able_at, waiting_since FROM quota_demand
WHERE address = $1 AND (company_id = $2 OR able_at > $3)
