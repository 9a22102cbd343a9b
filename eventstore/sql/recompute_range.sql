-- Recomputes the chain over positions $2 to $3 as chain.py writes it down; a missing fact breaks it, too. $4 is the hash in
-- front of $2; without it, the one stored there is taken. array_send() writes 20 bytes and then each element behind its
-- 4-byte length, which is how header fields are hashed; behind an empty element a length has 8 bytes, as for the content.
SELECT count(*) AS facts, min(position) FILTER (WHERE whole IS NOT TRUE) AS first_break
FROM (
    SELECT position, hash = sha256(previous || header || content) AS whole
    FROM (
        SELECT position, hash, header, content,
               lag(hash, 1, coalesce($4::bytea, (SELECT hash FROM facts WHERE store_id = $1 AND position = $2 - 1)))
                   OVER (ORDER BY position) AS previous
        FROM (
            SELECT position, hash,
                   substr(array_send(ARRAY[
                       textsend(store_id), int8send(position), textsend(stream_id), int8send(stream_version),
                       textsend(type), int8send(schema_version), textsend(source_id),
                       -- Hashed times count from 1970, Postgres from 2000. Hours are added whatever the time zone.
                       timestamptz_send(observed_at + interval '262968 hours'),
                       timestamptz_send(recorded_at + interval '262968 hours')]), 21) AS header,
                   sha256(substr(array_send(ARRAY['', body, '', sealed, '', metadata]), 21)) AS content
            FROM facts WHERE store_id = $1 AND position >= $2 AND position <= $3
        ) AS read
    ) AS chained
) AS compared
