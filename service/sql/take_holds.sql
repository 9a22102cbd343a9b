-- A call is granted: its places, its day, the trial it may be, the wish it fulfils; and what is over for good goes.
-- $9: when the next trial may be, null if this is none. $10: whether the wish, of $11 and $12, is written anew. $13: the
-- call's attempt is recorded before it is made, and what is flushed then takes this along: the disk is waited for once.
WITH held AS (
    INSERT INTO quota_hold (budget, hold_id, granted_at, released_at, company_id) SELECT unnest($1::text[]), $2, $3, $4, $5
), counted AS (
    INSERT INTO quota_day AS known (budget, day, calls) VALUES ($6, $7, 1)
    ON CONFLICT (budget, day) DO UPDATE SET calls = known.calls + 1
), tried AS (
    UPDATE quota_budget SET trial_at = $9 WHERE budget = $6 AND $9::timestamptz IS NOT NULL
), wished AS (
    INSERT INTO quota_demand AS known (company_id, address, purpose, asked_at, able_at)
    SELECT $5, $11, $12, $3, $3 WHERE $10
    ON CONFLICT (company_id, address, purpose) DO UPDATE
    SET asked_at = excluded.asked_at, able_at = excluded.able_at, waiting_since = NULL, free_at = NULL, reason = NULL
), passed AS (
    DELETE FROM quota_hold WHERE budget = ANY ($1::text[]) AND released_at <= $8
)
SELECT CASE WHEN $13::bool THEN set_config('synchronous_commit', 'off', true) END
