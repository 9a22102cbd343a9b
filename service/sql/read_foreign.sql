SELECT window_seconds, calls, seen_at, until FROM quota_foreign WHERE budget = $1
