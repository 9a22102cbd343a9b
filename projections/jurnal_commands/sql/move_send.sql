UPDATE send SET state = $4, due_at = $5, reason = $6, absent_from = coalesce($7, absent_from)
WHERE store_id = $1 AND command_id = $2 AND attempt = $3 AND state <> 'done'
