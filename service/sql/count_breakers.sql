SELECT state, count(*) AS companies FROM company_breaker GROUP BY state
