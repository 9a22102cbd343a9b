-- A call is granted: its places, its day, the trial it may be, the wish it fulfils; and what is over for good goes.
-- Nothing of it, if a place was taken of either budget since it was read: $14 is how often that had happened by then.
-- $9: when the next trial may be, null if this is none. $10: whether the wish, of $11 and $12, is written anew. $13: the
-- call's attempt is recorded before it is made, and what is flushed then takes this along: the disk is waited for once.
WITH unchanged AS MATERIALIZED (
    -- Whoever else holds the lock takes a place just now: nothing waits for it with what it read before.
    SELECT known.budget
    FROM unnest($1::text[], $14::bigint[]) AS seen (budget, grants)
    JOIN quota_budget known ON known.budget = seen.budget AND known.grants = seen.grants
    ORDER BY known.budget
    FOR UPDATE OF known SKIP LOCKED
), won AS MATERIALIZED (
    SELECT FROM (SELECT count(*) AS budgets FROM unchanged) counted WHERE budgets = cardinality($1::text[])
), moved AS (
    UPDATE quota_budget
    SET grants = grants + 1, trial_at = CASE WHEN budget = $6 THEN coalesce($9::timestamptz, trial_at) ELSE trial_at END
    FROM won
    WHERE budget = ANY ($1::text[])
), held AS (
    INSERT INTO quota_hold (budget, hold_id, granted_at, released_at, company_id)
    SELECT unnest($1::text[]), $2, $3, $4, $5 FROM won
), counted AS (
    INSERT INTO quota_day AS known (budget, day, calls) SELECT $6, $7, 1 FROM won
    ON CONFLICT (budget, day) DO UPDATE SET calls = known.calls + 1
), wished AS (
    INSERT INTO quota_demand AS known (company_id, address, purpose, asked_at, able_at)
    SELECT $5, $11, $12, $3, $3 FROM won WHERE $10
    ON CONFLICT (company_id, address, purpose) DO UPDATE
    SET asked_at = excluded.asked_at, able_at = excluded.able_at, waiting_since = NULL, free_at = NULL, reason = NULL
), passed AS (
    DELETE FROM quota_hold WHERE budget = ANY ($1::text[]) AND released_at <= $8
)
SELECT EXISTS (SELECT FROM won) AS is_taken, CASE WHEN $13::bool THEN set_config('synchronous_commit', 'off', true) END
