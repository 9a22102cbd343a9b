UPDATE send SET state = 'done'
WHERE store_id = $1 AND company_id = $2 AND state = 'unknown' AND due_at <= $3
  AND EXISTS (SELECT 1 FROM command c
              WHERE c.store_id = $1 AND c.command_id = send.command_id AND c.state IN ('accepted', 'refused'))
