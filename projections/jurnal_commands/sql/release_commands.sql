UPDATE command SET state = 'due', reason = NULL, released_at = u.released_at
FROM projection_cursor c, unnest($3::text[], $4::bigint[]) AS u (command_id, released_at)
WHERE c.store_id = $1 AND c.projection = $2 AND command.store_id = $1 AND command.command_id = u.command_id
  AND command.state IN ('parked', 'refused') AND command.settled_at < u.released_at
