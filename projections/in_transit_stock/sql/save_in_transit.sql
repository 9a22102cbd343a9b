INSERT INTO in_transit_stock (store_id, transfer_id, sku, transfer_number, source, destination, sent, received, returned,
                              rejected, in_transit, updated)
SELECT c.store_id, u.*
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::numeric[], $9::numeric[], $10::numeric[],
            $11::numeric[], $12::numeric[], $13::bigint[]) AS u
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, transfer_id, sku) DO UPDATE
SET transfer_number = excluded.transfer_number, source = excluded.source, destination = excluded.destination,
    sent = excluded.sent, received = excluded.received, returned = excluded.returned, rejected = excluded.rejected,
    in_transit = excluded.in_transit, updated = excluded.updated
