SELECT granted_at, released_at FROM quota_hold WHERE budget = $1 AND released_at > $2 ORDER BY released_at
