SELECT position, hash, recorded_at, archived FROM ledger_head WHERE store_id = $1
