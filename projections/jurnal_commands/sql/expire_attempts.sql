WITH expired AS (
    UPDATE send SET state = 'unknown', due_at = $3, reason = 'The attempt was cut off before its answer'
    WHERE store_id = $1 AND company_id = $2 AND state = 'sending' AND deadline_at <= $3
    RETURNING command_id, attempt
), ended AS (
    UPDATE attempt a SET outcome = 'unknown'
    FROM expired e
    WHERE a.store_id = $1 AND a.command_id = e.command_id AND a.number = e.attempt AND a.outcome IS NULL
)
SELECT count(*) FROM expired
