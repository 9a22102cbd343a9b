SELECT position FROM ledger_head WHERE store_id = $1
