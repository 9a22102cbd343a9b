INSERT INTO invoice_payment (store_id, transaction_no, order_id, order_reference, jurnal_id, transaction_date, due_date,
                             total, received, paid, returned, status, updated, rounded)
SELECT c.store_id, u.*
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::date[], $8::date[], $9::numeric[], $10::numeric[],
            $11::numeric[], $12::numeric[], $13::text[], $14::bigint[],
            $15::numeric[]) AS u
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, transaction_no) DO UPDATE
SET order_reference = excluded.order_reference, jurnal_id = excluded.jurnal_id,
    transaction_date = excluded.transaction_date, due_date = excluded.due_date, total = excluded.total,
    received = excluded.received, paid = excluded.paid, returned = excluded.returned, status = excluded.status,
    updated = excluded.updated, rounded = excluded.rounded
