-- What was asked before the closing proves nothing about it.
UPDATE quota_budget SET closed_until = NULL, closed_scope = NULL, closed_at = NULL, trial_at = NULL
WHERE budget = $1 AND closed_at <= $2 AND closed_until > $2
