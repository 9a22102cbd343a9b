UPDATE sync_record SET state = 'superseded', reason = u.reason, what_to_do = NULL, updated = u.updated
FROM projection_cursor c, unnest($3::text[], $4::text[], $5::bigint[]) AS u (record_id, reason, updated)
WHERE c.store_id = $1 AND c.projection = $2 AND sync_record.store_id = $1 AND sync_record.record_id = u.record_id
  AND sync_record.state = 'booking'
