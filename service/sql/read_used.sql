SELECT coalesce(sum(calls), 0)::bigint AS month, coalesce(sum(calls) FILTER (WHERE day = $3), 0)::bigint AS today
FROM quota_day WHERE budget = $1 AND day BETWEEN $2 AND $3
