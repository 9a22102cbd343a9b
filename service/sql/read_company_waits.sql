-- What keeps a whole company's commands waiting now, the breaker first; a wait of a minute is the ordinary pace.
SELECT b.until AS tried_at, b.since, b.reason AS failure, q.closed_scope, least(q.closed_until, q.trial_at) AS reopens_at,
       d.free_at, d.reason AS spent
FROM (SELECT jurnalsync_clock() AS now) clock
LEFT JOIN company_breaker b ON b.company_id = $1 AND b.state <> 'closed'
LEFT JOIN quota_budget q ON q.budget = 'company:' || $1 AND q.closed_until > clock.now
LEFT JOIN LATERAL (
    SELECT free_at, reason FROM quota_demand
    WHERE company_id = $1 AND purpose = 'fresh' AND free_at > clock.now + interval '1 minute'
    ORDER BY free_at LIMIT 1
) d ON true
