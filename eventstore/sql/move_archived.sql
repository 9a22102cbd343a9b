UPDATE ledger_head SET archived = greatest(archived, $2) WHERE store_id = $1
