DELETE FROM quota_hold WHERE budget = ANY ($1::text[]) AND released_at <= $2
