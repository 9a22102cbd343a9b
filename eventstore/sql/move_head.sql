UPDATE ledger_head SET position = $4, hash = $5, recorded_at = $6 WHERE store_id = $1 AND position = $2 AND hash = $3
