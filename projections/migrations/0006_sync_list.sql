-- Where a record's facts stand: an operator's word about it goes there. Empty for lines that an earlier release wrote,
-- until the list is rebuilt: jurnalsync rebuild sync_status.
ALTER TABLE sync_record ADD COLUMN stream_id text NOT NULL DEFAULT '';
ALTER TABLE projection_shadow.sync_record ADD COLUMN stream_id text NOT NULL DEFAULT '';

-- The list is read in two orders, newest told first or latest business date first, state by state. No date counts as the
-- oldest. Ids in bytes: pages of several reads are put together outside the database.
DROP INDEX sync_record_newest;
DROP INDEX projection_shadow.sync_record_store_id_updated_idx;
CREATE INDEX sync_record_newest ON sync_record (store_id, state, position DESC, record_id COLLATE "C" DESC);
CREATE INDEX sync_record_latest ON sync_record
    (store_id, state, (coalesce(business_date - DATE '2000-01-01', -1000000)) DESC, record_id COLLATE "C" DESC);
-- What is still to be done, or went wrong: a few of a million.
CREATE INDEX command_unsettled ON command (store_id, state, record_id) WHERE state <> 'accepted';

-- Time minus an interval is no constant: called what it is, the planner writes the rank into a query instead of calling it.
ALTER FUNCTION command_rank(text, boolean, text, timestamptz, timestamptz) STABLE;

-- How each command shows in the list, see command_rank; what needs a skipped command can never go.
CREATE VIEW command_shown AS
SELECT k.store_id, k.record_id, k.command_id, k.state, k.position, k.ordinal, k.document,
       coalesce(k.reason, skipped.reason, CASE WHEN k.state = 'due' THEN s.reason END) AS reason,
       command_rank(k.state, skipped.command_id IS NOT NULL, s.state, k.short_since,
                    (SELECT jurnalsync_clock())) AS rank
FROM command k
LEFT JOIN send s ON s.store_id = k.store_id AND s.command_id = k.command_id
LEFT JOIN LATERAL (
    SELECT n.command_id, n.reason
    FROM command n
    WHERE n.store_id = k.store_id AND n.command_id = ANY (k.needs) AND n.state = 'skipped'
    ORDER BY n.position, n.ordinal
    LIMIT 1
) skipped ON k.state <> 'accepted';
GRANT SELECT ON command_shown TO :service_role;

CREATE OR REPLACE VIEW sync_list AS
SELECT r.store_id, r.record_id, r.kind, r.reference, r.outlet, r.business_date, r.amount, r.updated,
       CASE c.worst WHEN 6 THEN 'Mend the cause, then retry it: jurnalsync sync retry ' || r.record_id
                    WHEN 5 THEN 'Nothing: it goes by itself when the goods come in. After a day it shows as Failed'
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
           array_agg(k.document ORDER BY k.position, k.ordinal) FILTER (WHERE k.document IS NOT NULL) AS documents
    FROM command_shown k
    WHERE k.store_id = r.store_id AND k.record_id = r.record_id
) c ON r.state = 'booking'
UNION ALL
SELECT DISTINCT ON (t.store_id, t.stream_id)
       t.store_id, 'stalled-' || t.stream_id, 'stalled', t.stream_id, NULL, NULL::date, NULL::numeric, t.position,
       'An upgrade may read it: retry it then, or send position ' || t.position || ' to support', 'Failed',
       'A report cannot be folded, and everything later about this document waits: ' || t.error, NULL::bytea[]
FROM stalled_stream t;

-- iSeller Pay money that iSeller took and has not paid out, by the date it was taken on. IDR.
CREATE TABLE clearing_day (
    store_id  text    NOT NULL,
    day       date    NOT NULL,
    unsettled numeric NOT NULL,
    updated   bigint  NOT NULL,
    PRIMARY KEY (store_id, day)
);
CREATE TABLE projection_shadow.clearing_day (LIKE clearing_day INCLUDING ALL);
GRANT SELECT, INSERT, UPDATE, DELETE ON clearing_day, projection_shadow.clearing_day TO :service_role;
