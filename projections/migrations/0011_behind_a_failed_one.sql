-- As before, and what cannot go before another record is mended is held (5) with the words for it. From a due command that
-- is not on its way the search goes back one step at a time, to the one before it in its lane and to those it needs, and
-- no further than to the first that is refused or parked; what is in Jurnal or skipped stands in nobody's way.
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
                  AND l.state NOT IN ('accepted', 'skipped')
                  AND (SELECT bool_or(n.state = 'skipped')
                       FROM command n
                       WHERE n.store_id = l.store_id AND n.command_id = ANY (l.needs)) IS NOT TRUE
                ORDER BY l.position DESC, l.ordinal DESC
                LIMIT 1
            )
            UNION ALL
            SELECT l.*
            FROM command l
            WHERE l.store_id = k.store_id AND l.command_id = ANY (a.needs) AND l.state NOT IN ('accepted', 'skipped')
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

CREATE OR REPLACE VIEW sync_list AS
SELECT r.store_id, r.record_id, r.kind, r.reference, r.outlet, r.business_date, r.amount, r.updated,
       CASE c.worst WHEN 6 THEN 'Mend the cause, then retry it: jurnalsync sync retry ' || r.record_id
                    WHEN 5 THEN coalesce(c.what_to_do,
                                         'Nothing: it goes by itself when the goods come in. After a day it shows as Failed')
            ELSE r.what_to_do END AS what_to_do,
       CASE r.state
           WHEN 'held' THEN 'Held' WHEN 'failed' THEN 'Failed'
           WHEN 'skipped' THEN 'Skipped' WHEN 'superseded' THEN 'Superseded'
           ELSE (ARRAY['Success', 'Skipped', 'Pending', 'Processing', 'Held', 'Failed'])[coalesce(c.worst, 3)]
       END AS status,
       coalesce(c.reason, r.reason) AS reason, c.documents
FROM sync_record r
LEFT JOIN LATERAL (
    SELECT max(k.rank) AS worst,
           string_agg(DISTINCT k.reason, '; ') FILTER (WHERE k.rank > 1) AS reason,
           array_agg(k.document ORDER BY k.position, k.ordinal) FILTER (WHERE k.document IS NOT NULL) AS documents,
           (array_agg(k.what_to_do ORDER BY k.position, k.ordinal) FILTER (WHERE k.rank = 5))[1] AS what_to_do
    FROM command_shown k
    WHERE k.store_id = r.store_id AND k.record_id = r.record_id
) c ON r.state = 'booking'
UNION ALL
SELECT DISTINCT ON (t.store_id, t.stream_id)
       t.store_id, 'stalled-' || t.stream_id, 'stalled', t.stream_id, NULL, NULL::date, NULL::numeric, t.position,
       'An upgrade may read it: retry it then, or send position ' || t.position || ' to support', 'Failed',
       'A report cannot be folded, and everything later about this document waits: ' || t.error, NULL::bytea[]
FROM stalled_stream t;
