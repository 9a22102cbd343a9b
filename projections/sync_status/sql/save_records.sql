INSERT INTO sync_record AS known (store_id, record_id, kind, reference, outlet, business_date, amount, state, reason,
                                  what_to_do, position, updated, stream_id)
SELECT c.store_id, u.record_id, u.kind, u.reference, u.outlet, u.business_date, u.amount, u.state, u.reason,
       u.what_to_do, u.position, u.updated, u.stream_id
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::numeric[], $9::text[], $10::text[],
            $11::text[], $12::bigint[], $13::bigint[], $14::text[])
     AS u (record_id, kind, reference, outlet, business_date, amount, state, reason, what_to_do, position, updated,
           stream_id)
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, record_id) DO UPDATE
SET kind = excluded.kind, reference = excluded.reference, outlet = excluded.outlet,
    business_date = excluded.business_date, amount = excluded.amount, state = excluded.state,
    reason = excluded.reason, what_to_do = excluded.what_to_do,
    updated = excluded.updated, stream_id = excluded.stream_id
WHERE known.state <> 'booking'
