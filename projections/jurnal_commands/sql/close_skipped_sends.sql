-- What is on its way when it is skipped is looked up first: somebody must know whether it is in Jurnal.
UPDATE send SET state = 'done'
FROM command c
WHERE c.store_id = $1 AND c.state = 'skipped' AND send.store_id = $1 AND send.company_id = $2
  AND send.command_id = c.command_id AND send.state IN ('due', 'waiting')
