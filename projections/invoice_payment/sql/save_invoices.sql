INSERT INTO invoice_payment (store_id, order_id, order_reference, transaction_no, jurnal_id, transaction_date, due_date,
                             total, received, paid, status, updated)
SELECT c.store_id, u.*
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::date[], $8::date[], $9::numeric[], $10::numeric[],
            $11::numeric[], $12::text[], $13::bigint[]) AS u
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, order_id) DO UPDATE
SET jurnal_id = excluded.jurnal_id, received = excluded.received, paid = excluded.paid, status = excluded.status,
    updated = excluded.updated
