-- Of the commands that are due, $7 behind a place ($5, $6): those whose send row was lost are looked up. Where so many were
-- looked at, the last of them is told: the next look goes on behind it. Attempts go on counting behind those recorded.
WITH looked_at AS MATERIALIZED (
    SELECT command_id, record_id, company_id, kind, released_at
    FROM command
    WHERE store_id = $1 AND state = 'due' AND (record_id, command_id) > ($5, $6)
    ORDER BY record_id, command_id
    LIMIT $7
), adopted AS (
    INSERT INTO send (store_id, command_id, company_id, kind, state, attempt, due_at, absent_from, released_at, reason)
    SELECT $1, c.command_id, c.company_id, c.kind, 'unknown',
           coalesce((SELECT max(a.number) FROM attempt a WHERE a.store_id = $1 AND a.command_id = c.command_id), 1),
           $3, $4, c.released_at, 'What was sent before is not known'
    FROM looked_at c
    -- By its key, one by one: a plan that reads all sends for a stretch of commands takes ten times as long.
    LEFT JOIN LATERAL (
        SELECT true AS is_there FROM send s WHERE s.store_id = $1 AND s.command_id = c.command_id LIMIT 1
    ) known ON true
    WHERE c.company_id = $2 AND known.is_there IS NULL
    ON CONFLICT (store_id, command_id) DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM adopted) AS adopted, last.record_id, last.command_id
FROM (VALUES (true)) one (is_there)
LEFT JOIN LATERAL (
    SELECT record_id, command_id FROM looked_at ORDER BY record_id, command_id OFFSET $7 - 1 LIMIT 1
) last ON true
