SELECT kind, count(store_id) AS differences FROM difference WHERE resolved_at = 0 AND accepted_at = 0 GROUP BY kind
