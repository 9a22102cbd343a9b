UPDATE send SET state = 'unknown', due_at = $3, reason = 'The attempt was cut off before its answer'
WHERE store_id = $1 AND company_id = $2 AND state = 'sending' AND deadline_at <= $3
