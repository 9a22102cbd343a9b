SELECT budget, closed_until, closed_scope, trial_at FROM quota_budget WHERE closed_until > jurnalsync_clock()
