SELECT budget, closed_until, closed_scope, closed_at, trial_at FROM quota_budget
WHERE budget = ANY ($1::text[]) ORDER BY budget FOR UPDATE
