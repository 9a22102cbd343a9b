UPDATE command SET state = u.state, reason = u.reason, document = u.document, settled_at = u.settled_at
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[]) AS u (command_id, state, reason, document, settled_at)
WHERE c.store_id = $1 AND c.projection = $2 AND command.store_id = $1 AND command.command_id = u.command_id
