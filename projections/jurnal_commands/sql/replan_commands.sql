UPDATE command
SET body = u.body, needs = string_to_array(u.needs, ' '),
    state = CASE WHEN u.was_refused THEN 'due' ELSE command.state END,
    reason = CASE WHEN u.was_refused THEN NULL ELSE command.reason END,
    released_at = CASE WHEN u.was_refused THEN u.planned_at ELSE command.released_at END
FROM projection_cursor c,
     unnest($3::text[], $4::bytea[], $5::text[], $6::boolean[], $7::bigint[])
     AS u (command_id, body, needs, was_refused, planned_at)
-- What stands behind a refused command was never sent: its lane let nothing past. No word of the send is asked, or a
-- rebuild, which folds what was sent since, would come to other rows.
WHERE c.store_id = $1 AND c.projection = $2 AND command.store_id = $1 AND command.command_id = u.command_id
  AND (CASE WHEN u.was_refused THEN command.state = 'refused' ELSE command.state IN ('due', 'parked') END)
