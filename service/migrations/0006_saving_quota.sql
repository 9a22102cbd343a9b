-- What keeps a whole company waiting says so itself: a closed budget, or a Jurnal that does not answer.
CREATE OR REPLACE VIEW company_saving AS
SELECT substr(q.budget, length('company:') + 1) AS company_id, q.saving_until AS until
FROM (SELECT jurnalsync_clock() AS now) clock
JOIN quota_budget q ON q.saving_until > clock.now AND (q.closed_until IS NULL OR q.closed_until <= clock.now)
WHERE q.budget LIKE 'company:%'
  AND NOT EXISTS (SELECT FROM company_breaker b
                  WHERE b.company_id = substr(q.budget, length('company:') + 1) AND b.state <> 'closed');
