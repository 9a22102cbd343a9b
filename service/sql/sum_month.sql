SELECT budget, sum(calls)::bigint AS calls FROM quota_day WHERE day BETWEEN $1 AND $2 GROUP BY budget
