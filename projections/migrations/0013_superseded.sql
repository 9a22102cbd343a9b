-- A command whose place others take is superseded: it is not in Jurnal, and its lane goes on.
ALTER TABLE command DROP CONSTRAINT command_state_check;
ALTER TABLE command ADD CONSTRAINT command_state_check
    CHECK (state IN ('due', 'accepted', 'refused', 'parked', 'skipped', 'superseded'));
ALTER TABLE projection_shadow.command DROP CONSTRAINT command_state_check;
ALTER TABLE projection_shadow.command ADD CONSTRAINT command_state_check
    CHECK (state IN ('due', 'accepted', 'refused', 'parked', 'skipped', 'superseded'));
CREATE INDEX command_superseded ON command (store_id, command_id) WHERE state = 'superseded';

-- As before; a record shows what its other commands came to, and is superseded itself where it has none.
CREATE OR REPLACE FUNCTION command_rank(state text, needs_skipped boolean, send_state text, short_since timestamptz, now timestamptz)
RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN state IN ('accepted', 'superseded') THEN 1
            WHEN state = 'skipped' OR needs_skipped THEN 2
            WHEN state = 'refused' AND short_since > now - interval '24 hours' THEN 5
            WHEN state IN ('refused', 'parked') THEN 6
            WHEN send_state IN ('sending', 'unknown') THEN 4
            ELSE 3 END;

-- As before; what is superseded stands in nobody's way.
CREATE OR REPLACE VIEW command_shown AS
SELECT k.store_id, k.record_id, k.command_id, k.state, k.position, k.ordinal, k.document,
       coalesce(k.reason, skipped.reason, behind.reason, CASE WHEN k.state = 'due' THEN s.reason END) AS reason,
       CASE WHEN behind.reason IS NULL
            THEN command_rank(k.state, coalesce(skipped.is_so, false), s.state, k.short_since,
                              (SELECT jurnalsync_clock()))
            ELSE 5 END AS rank,
       behind.what_to_do
FROM command k
LEFT JOIN send s ON s.store_id = k.store_id AND s.command_id = k.command_id
LEFT JOIN LATERAL (
    -- What is needed is found by its key and looked at then: asked for by its state, all that was ever skipped may be read.
    SELECT count(*) > 0 AS is_so, (array_agg(n.reason ORDER BY n.position, n.ordinal))[1] AS reason
    FROM (
        SELECT needed.state, needed.reason, needed.position, needed.ordinal
        FROM command needed
        WHERE needed.store_id = k.store_id AND needed.command_id = ANY (k.needs)
        OFFSET 0
    ) n
    WHERE n.state = 'skipped'
) skipped ON k.state <> 'accepted'
LEFT JOIN LATERAL (
    WITH RECURSIVE ahead AS (
        SELECT k.lane, k.position, k.ordinal, k.needs, k.state, k.record_id, k.short_since
        WHERE k.state = 'due' AND NOT skipped.is_so
          AND (s.state IS NULL OR s.state NOT IN ('sending', 'unknown'))
        UNION
        SELECT e.lane, e.position, e.ordinal, e.needs, e.state, e.record_id, e.short_since
        FROM ahead a
        CROSS JOIN LATERAL (
            (
                SELECT l.*
                FROM command l
                WHERE l.store_id = k.store_id AND l.lane = a.lane
                  AND (l.position, l.ordinal) < (a.position, a.ordinal)
                  AND l.state NOT IN ('accepted', 'skipped', 'superseded')
                  AND (SELECT bool_or(n.state = 'skipped')
                       FROM command n
                       WHERE n.store_id = l.store_id AND n.command_id = ANY (l.needs)) IS NOT TRUE
                ORDER BY l.position DESC, l.ordinal DESC
                LIMIT 1
            )
            UNION ALL
            SELECT l.*
            FROM command l
            WHERE l.store_id = k.store_id AND l.command_id = ANY (a.needs) AND l.state NOT IN ('accepted', 'skipped', 'superseded')
        ) e
        WHERE a.state = 'due'
    )
    SELECT 'Waits for ' || coalesce(replace(r.kind, '_', ' ') || ' ' || r.reference, a.record_id)
           || CASE first.rank WHEN 6 THEN ', which failed' ELSE ', which is held' END AS reason,
           CASE first.rank WHEN 6 THEN 'Mend that one: this goes by itself then'
                           ELSE 'Nothing: it goes by itself when that one does' END AS what_to_do
    FROM ahead a
    CROSS JOIN LATERAL (
        SELECT command_rank(a.state, false, NULL, a.short_since, (SELECT jurnalsync_clock())) AS rank
    ) first
    LEFT JOIN sync_record r ON r.store_id = k.store_id AND r.record_id = a.record_id
    -- A record does not wait for itself: it shows what its own command came to.
    WHERE a.state <> 'due' AND a.record_id <> k.record_id
    ORDER BY first.rank DESC, a.position, a.ordinal
    LIMIT 1
) behind ON k.state = 'due';

-- As before; what is superseded stands in nobody's way. What is needed is found by its key, one by one: a plan made before
-- a table's statistics may walk it instead.
CREATE OR REPLACE VIEW command_in_turn AS
SELECT k.*
FROM command k
WHERE NOT EXISTS (
        SELECT 1 FROM command earlier
        WHERE earlier.store_id = k.store_id AND earlier.lane = k.lane
          AND (earlier.position, earlier.ordinal) < (k.position, k.ordinal)
          AND earlier.state NOT IN ('accepted', 'skipped', 'superseded')
          AND NOT EXISTS (
              SELECT 1 FROM command needed
              WHERE needed.store_id = earlier.store_id AND needed.command_id = ANY (earlier.needs)
                AND needed.state = 'skipped'))
  AND NOT EXISTS (
        SELECT 1 FROM unnest(k.needs) AS need (command_id)
        WHERE (SELECT needed.state FROM command needed
               WHERE needed.store_id = k.store_id AND needed.command_id = need.command_id) IS DISTINCT FROM 'accepted');
