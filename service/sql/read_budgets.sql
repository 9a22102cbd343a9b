-- All that decides whether a call may go, as one JSON object.
-- $1: the company's budget, $2 the address's, $3 the company, $4 and $5 the seconds of their windows, $6 how long who asked
-- wants a share, $7 the time zone in which calls are counted by days.
WITH clock AS MATERIALIZED (
    SELECT moment.now, (moment.now AT TIME ZONE $7)::date AS today FROM (SELECT jurnalsync_clock() AS now) moment
), asked AS (
    SELECT $1::text AS budget, unnest($4::integer[]) AS seconds UNION ALL SELECT $2, unnest($5::integer[])
)
SELECT json_build_object(
    'now', clock.now,
    'today', clock.today,
    'grants', (SELECT coalesce(json_object_agg(budget, grants), '{}') FROM quota_budget WHERE budget IN ($1, $2)),
    'closed', (
        SELECT json_build_object('until', closed_until, 'scope', closed_scope, 'trial_at', trial_at)
        FROM quota_budget WHERE budget = $1 AND closed_until > clock.now
    ),
    'taken', (
        SELECT coalesce(json_agg(counted), '[]') FROM (
            SELECT asked.budget, asked.seconds, hold.company_id, count(*) AS calls
            FROM asked JOIN quota_hold hold
                ON hold.budget = asked.budget AND hold.released_at > clock.now - make_interval(secs => asked.seconds)
            GROUP BY asked.budget, asked.seconds, hold.company_id
        ) counted
    ),
    'in_flight', (SELECT count(*) FROM quota_hold WHERE budget = $1 AND released_at > clock.now),
    'foreign', (
        SELECT coalesce(json_agg(told), '[]') FROM (
            SELECT window_seconds AS seconds, calls, seen_at, until FROM quota_foreign
            WHERE budget = $1 AND until > clock.now
        ) told
    ),
    'used', (
        SELECT json_build_object(
            'month', coalesce(sum(calls), 0), 'today', coalesce(sum(calls) FILTER (WHERE day = clock.today), 0)
        )
        FROM quota_day WHERE budget = $1 AND day BETWEEN date_trunc('month', clock.today)::date AND clock.today
    ),
    'demand', (
        SELECT coalesce(json_agg(wish), '[]') FROM (
            SELECT company_id, purpose, asked_at, able_at, waiting_since FROM quota_demand
            WHERE address = $2 AND (company_id = $3 OR able_at > clock.now - $6::interval)
        ) wish
    )
)::text FROM clock
