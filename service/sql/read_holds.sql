SELECT budget, company_id, granted_at, released_at FROM quota_hold WHERE budget = ANY ($1::text[]) AND released_at > $2
