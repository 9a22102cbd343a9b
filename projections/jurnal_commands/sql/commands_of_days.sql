-- All of a document's commands: an invoice that was changed or deleted on another day is compared as it is to be by now.
SELECT k.command_id, k.stream_id, k.state, k.body, k.document, k.reason, s.state AS send_state, s.attempt, r.business_date
FROM (SELECT DISTINCT c.lane
      FROM sync_record d
      JOIN command c ON c.store_id = d.store_id AND c.record_id = d.record_id
      WHERE d.store_id = $1 AND d.business_date BETWEEN $2 AND $3) l
JOIN command k ON k.store_id = $1 AND k.lane = l.lane
LEFT JOIN send s ON s.store_id = k.store_id AND s.command_id = k.command_id
LEFT JOIN sync_record r ON r.store_id = k.store_id AND r.record_id = k.record_id
