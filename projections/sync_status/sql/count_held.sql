-- A transfer that nobody started asks for nothing, however long it stands.
SELECT count(*)
FROM ledger_head h
JOIN sync_record r ON r.store_id = h.store_id AND r.state = 'held' AND r.kind <> 'transfer_pending'
