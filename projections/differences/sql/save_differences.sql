INSERT INTO difference (store_id, difference_id, kind, resource, command_id, jurnal_id, kept_id, transaction_no, business_date,
                        ledger_amount, jurnal_amount, detail, repair, found_at, found_on, resolved_at, repair_at, accepted_at,
                        accepted_by, accepted_reason)
SELECT c.store_id, u.*
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::date[],
            $11::numeric[], $12::numeric[], $13::text[], $14::text[], $15::bigint[], $16::timestamptz[], $17::bigint[],
            $18::bigint[], $19::bigint[], $20::text[], $21::text[]) AS u
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, difference_id) DO UPDATE
SET kind = excluded.kind, resource = excluded.resource, command_id = excluded.command_id, jurnal_id = excluded.jurnal_id,
    kept_id = excluded.kept_id, transaction_no = excluded.transaction_no, business_date = excluded.business_date,
    ledger_amount = excluded.ledger_amount, jurnal_amount = excluded.jurnal_amount, detail = excluded.detail,
    repair = excluded.repair, found_at = excluded.found_at, found_on = excluded.found_on,
    resolved_at = excluded.resolved_at, repair_at = excluded.repair_at,
    accepted_at = excluded.accepted_at, accepted_by = excluded.accepted_by, accepted_reason = excluded.accepted_reason
