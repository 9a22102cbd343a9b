-- A shorter closing never ends a longer one.
UPDATE quota_budget SET closed_until = $2, closed_scope = $3, closed_at = $4, trial_at = $5, grants = grants + 1
WHERE budget = $1 AND coalesce(closed_until, '-infinity') <= $2
