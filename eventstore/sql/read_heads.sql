SELECT store_id, position FROM ledger_head
