-- Until when what makes up no full call waits for more, because few calls are left: by company, none while none waits so.
-- The service knows its companies and says it of its own tables; this is what stands there before it does.
CREATE VIEW company_saving AS SELECT ''::text AS company_id, NULL::timestamptz AS until WHERE false;
GRANT SELECT ON company_saving TO :service_role;

-- As before, and what could go now and waits for others to go with it is held (5) and says until when, by the store's clock.
CREATE OR REPLACE VIEW command_shown AS
SELECT k.store_id, k.record_id, k.command_id, k.state, k.position, k.ordinal, k.document,
       coalesce(k.reason, skipped.reason, behind.reason, saves.reason,
                CASE WHEN k.state = 'due' THEN s.reason END) AS reason,
       CASE WHEN behind.reason IS NULL AND saves.reason IS NULL
            THEN command_rank(k.state, coalesce(skipped.is_so, false), s.state, k.short_since,
                              (SELECT jurnalsync_clock()))
            ELSE 5 END AS rank,
       coalesce(behind.what_to_do, CASE WHEN saves.reason IS NOT NULL THEN 'Nothing: it goes by itself' END) AS what_to_do
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
) behind ON k.state = 'due'
LEFT JOIN company_saving saving ON saving.company_id = k.company_id
LEFT JOIN LATERAL (
    SELECT 'Saving quota: few calls to Jurnal are left, so it goes together with others, at '
           || to_char(saving.until AT TIME ZONE coalesce(
                  (SELECT convert_from(t.body, 'UTF8')::json ->> 'time_zone'
                   FROM store_setting t
                   WHERE t.store_id = k.store_id AND t.name = 'StoreConnected' AND t.key = ''), 'UTC'),
                  'YYYY-MM-DD HH24:MI:SS')
           || ' at the latest' AS reason
    -- What is put off, paused or behind another one in its lane waits for that.
    WHERE saving.until IS NOT NULL AND s.state IN ('due', 'waiting') AND s.due_at <= (SELECT jurnalsync_clock())
      AND EXISTS (SELECT FROM command_in_turn turn
                  WHERE turn.store_id = k.store_id AND turn.command_id = k.command_id AND turn.state = 'due')
      AND NOT EXISTS (SELECT FROM store_setting t
                      WHERE t.store_id = k.store_id AND t.name = 'Sending' AND t.body <> '')
) saves ON k.state = 'due';
