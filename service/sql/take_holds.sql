INSERT INTO quota_hold (budget, hold_id, granted_at, released_at) SELECT unnest($1::text[]), $2, $3, $4
