-- Waits until every append to this store that has begun is over; those that come later wait behind this one.
SELECT pg_advisory_xact_lock(hashtextextended(store_id, 0)) FROM ledger_head WHERE store_id = $1
