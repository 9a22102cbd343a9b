UPDATE quota_hold SET released_at = $3 WHERE budget = ANY ($1::text[]) AND hold_id = $2 AND released_at > $3
