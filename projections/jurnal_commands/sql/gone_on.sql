-- Which sends have gone on since an attempt of theirs: another one was begun, or they are done.
SELECT s.store_id, s.command_id
FROM unnest($1::text[], $2::text[], $3::int[]) AS w (store_id, command_id, attempt)
JOIN send s ON s.store_id = w.store_id AND s.command_id = w.command_id
WHERE s.attempt <> w.attempt OR s.state = 'done'
