SELECT position, hash, recorded_at FROM ledger_head WHERE store_id = $1 FOR UPDATE
