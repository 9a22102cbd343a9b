SELECT budget FROM quota_budget WHERE budget = ANY ($1::text[]) ORDER BY budget FOR UPDATE
