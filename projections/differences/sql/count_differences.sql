SELECT kind, count(*) AS differences FROM difference WHERE resolved_at = 0 GROUP BY kind
