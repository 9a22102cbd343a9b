UPDATE quota_budget SET saving_until = $2 WHERE budget = $1
