INSERT INTO clearing_day (store_id, day, unsettled, updated)
SELECT c.store_id, u.day, u.unsettled, u.updated
FROM projection_cursor c, unnest($3::date[], $4::numeric[], $5::bigint[]) AS u (day, unsettled, updated)
WHERE c.store_id = $1 AND c.projection = $2
ON CONFLICT (store_id, day) DO UPDATE SET unsettled = excluded.unsettled, updated = excluded.updated
