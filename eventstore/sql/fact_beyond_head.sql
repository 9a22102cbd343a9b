SELECT min(f.position) FROM facts f JOIN ledger_head h ON h.store_id = f.store_id
WHERE h.store_id = $1 AND f.store_id = $1 AND f.position > h.position
