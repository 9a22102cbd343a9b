DELETE FROM sync_record
USING projection_cursor c, unnest($3::text[]) AS u (record_id)
WHERE c.store_id = $1 AND c.projection = $2 AND sync_record.store_id = $1 AND sync_record.record_id = u.record_id
