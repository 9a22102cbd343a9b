SELECT store_id FROM ledger_head ORDER BY store_id
