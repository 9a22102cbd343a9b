-- A call is granted: its places, its day, and what is over for good.
WITH held AS (
    INSERT INTO quota_hold (budget, hold_id, granted_at, released_at, company_id) SELECT unnest($1::text[]), $2, $3, $4, $5
), counted AS (
    INSERT INTO quota_day AS known (budget, day, calls) VALUES ($6, $7, 1)
    ON CONFLICT (budget, day) DO UPDATE SET calls = known.calls + 1
)
DELETE FROM quota_hold WHERE budget = ANY ($1::text[]) AND released_at <= $8
