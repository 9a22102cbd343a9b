INSERT INTO quota_foreign (budget, window_seconds, calls, seen_at, until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (budget, window_seconds) DO UPDATE
SET calls = excluded.calls, seen_at = excluded.seen_at, until = excluded.until
