INSERT INTO command (store_id, command_id, company_id, stream_id, record_id, lane, position, ordinal, kind, body, needs, state)
SELECT c.store_id, u.command_id, u.company_id, u.stream_id, u.record_id, u.lane, u.position, u.ordinal, u.kind, u.body,
       string_to_array(u.needs, ' '), 'due'
FROM projection_cursor c,
     unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::smallint[], $10::text[],
            $11::bytea[], $12::text[])
     AS u (command_id, company_id, stream_id, record_id, lane, position, ordinal, kind, body, needs)
WHERE c.store_id = $1 AND c.projection = $2
-- What was superseded is not in Jurnal: asked for once more it goes in its new place, looked up first if it was sent.
ON CONFLICT (store_id, command_id) DO UPDATE
SET company_id = excluded.company_id, stream_id = excluded.stream_id, record_id = excluded.record_id,
    lane = excluded.lane, position = excluded.position, ordinal = excluded.ordinal, kind = excluded.kind,
    body = excluded.body, needs = excluded.needs, state = 'due', reason = NULL, document = NULL, settled_at = NULL,
    released_at = excluded.position, short_since = NULL
WHERE command.state = 'superseded'
