DELETE FROM store_setting
USING projection_cursor c, unnest($3::text[], $4::text[]) AS u (name, key)
WHERE c.store_id = $1 AND c.projection = $2
  AND store_setting.store_id = $1 AND store_setting.name = u.name AND store_setting.key = u.key
