SELECT count(*) FROM ledger_head h JOIN sync_record r ON r.store_id = h.store_id AND r.state = 'held'
