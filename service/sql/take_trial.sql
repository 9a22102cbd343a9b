UPDATE quota_budget SET trial_at = $2 WHERE budget = $1
