SELECT k.command_id, k.stream_id, k.state, k.body, k.document, k.reason, s.state AS send_state, s.attempt, r.business_date
FROM command k
LEFT JOIN send s ON s.store_id = k.store_id AND s.command_id = k.command_id
LEFT JOIN sync_record r ON r.store_id = k.store_id AND r.record_id = k.record_id
WHERE k.store_id = $1 AND k.command_id = ANY ($2::text[])
