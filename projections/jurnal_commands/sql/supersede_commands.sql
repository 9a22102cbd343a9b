UPDATE command SET state = 'superseded', reason = u.reason, settled_at = u.settled_at
FROM projection_cursor c, unnest($3::text[], $4::text[], $5::bigint[]) AS u (command_id, reason, settled_at)
-- What stands behind a refused command was never sent, see `replan_commands`.
WHERE c.store_id = $1 AND c.projection = $2 AND command.store_id = $1 AND command.command_id = u.command_id
  AND command.state IN ('refused', 'due', 'parked')
