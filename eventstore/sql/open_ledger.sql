INSERT INTO ledger_head (store_id, position, hash, recorded_at) VALUES ($1, 0, $2, $3) ON CONFLICT (store_id) DO NOTHING
