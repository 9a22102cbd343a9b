-- When a place is free in each of these windows: so many of those taken are over by then. Calls of others end together.
-- $1 budgets, $2 seconds of their windows, $3 how many end before, $4 and $5 calls of others and their end, $6 now.
SELECT (
    SELECT ends.at FROM (
        SELECT released_at + make_interval(secs => asked.seconds) AS at FROM quota_hold
        WHERE budget = asked.budget AND released_at > $6::timestamptz - make_interval(secs => asked.seconds)
        UNION ALL
        SELECT asked.others_until FROM generate_series(1, asked.others)
    ) ends
    ORDER BY ends.at OFFSET asked.before LIMIT 1
) AS free_at
FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::timestamptz[])
    WITH ORDINALITY AS asked (budget, seconds, before, others, others_until, number)
ORDER BY asked.number
