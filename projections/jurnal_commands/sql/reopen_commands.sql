UPDATE command SET state = 'due', document = NULL, released_at = u.reopened_at
FROM projection_cursor c, unnest($3::text[], $4::bigint[]) AS u (command_id, reopened_at)
WHERE c.store_id = $1 AND c.projection = $2 AND command.store_id = $1 AND command.command_id = u.command_id
  AND command.state = 'accepted' AND coalesce(command.settled_at, 0) < u.reopened_at
