UPDATE command SET state = u.state, reason = u.reason, document = u.document, settled_at = u.settled_at,
                   short_since = CASE WHEN u.short_since IS NOT NULL THEN coalesce(command.short_since, u.short_since) END
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], $8::timestamptz[])
     AS u (command_id, state, reason, document, settled_at, short_since)
-- A refusal of before a release says nothing any more, and nothing of an ended command but that it is in Jurnal after all.
WHERE c.store_id = $1 AND c.projection = $2 AND command.store_id = $1 AND command.command_id = u.command_id
  AND command.released_at < u.settled_at AND NOT (command.state IN ('skipped', 'superseded') AND u.state = 'refused')
