-- A command that a person has seen to is skipped; one that Jurnal has too little stock for says since when.
ALTER TABLE command DROP CONSTRAINT command_state_check;
ALTER TABLE command ADD CONSTRAINT command_state_check
    CHECK (state IN ('due', 'accepted', 'refused', 'parked', 'skipped'));
ALTER TABLE command ADD COLUMN short_since timestamptz;
CREATE INDEX command_skipped ON command (store_id, command_id) WHERE state = 'skipped';
ALTER TABLE projection_shadow.command DROP CONSTRAINT command_state_check;
ALTER TABLE projection_shadow.command ADD CONSTRAINT command_state_check
    CHECK (state IN ('due', 'accepted', 'refused', 'parked', 'skipped'));
ALTER TABLE projection_shadow.command ADD COLUMN short_since timestamptz;

-- An order that is booked anew has several invoices, one row each; `returned` is what returns lowered what is owed by.
ALTER TABLE invoice_payment DROP CONSTRAINT invoice_payment_pkey;
ALTER TABLE invoice_payment ADD PRIMARY KEY (store_id, transaction_no);
ALTER TABLE invoice_payment ADD COLUMN returned numeric NOT NULL DEFAULT 0;
ALTER TABLE invoice_payment DROP CONSTRAINT invoice_payment_status_check;
ALTER TABLE invoice_payment ADD CONSTRAINT invoice_payment_status_check
    CHECK (status IN ('NotBooked', 'Open', 'Partial', 'Paid', 'Deleted'));
ALTER TABLE projection_shadow.invoice_payment DROP CONSTRAINT invoice_payment_pkey;
ALTER TABLE projection_shadow.invoice_payment ADD PRIMARY KEY (store_id, transaction_no);
ALTER TABLE projection_shadow.invoice_payment ADD COLUMN returned numeric NOT NULL DEFAULT 0;
ALTER TABLE projection_shadow.invoice_payment DROP CONSTRAINT invoice_payment_status_check;
ALTER TABLE projection_shadow.invoice_payment ADD CONSTRAINT invoice_payment_status_check
    CHECK (status IN ('NotBooked', 'Open', 'Partial', 'Paid', 'Deleted'));

-- How a command shows: 1 accepted, 2 skipped, 3 due, 4 on its way, 5 held for want of stock, 6 to be mended. What needs a
-- skipped command can never go: it is skipped with it. Who waits for stock is held for a day and needs a person then.
CREATE FUNCTION command_rank(state text, needs_skipped boolean, send_state text, short_since timestamptz, now timestamptz)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN state = 'accepted' THEN 1
            WHEN state = 'skipped' OR needs_skipped THEN 2
            WHEN state = 'refused' AND short_since > now - interval '24 hours' THEN 5
            WHEN state IN ('refused', 'parked') THEN 6
            WHEN send_state IN ('sending', 'unknown') THEN 4
            ELSE 3 END;

CREATE OR REPLACE VIEW sync_list AS
SELECT r.store_id, r.record_id, r.kind, r.reference, r.outlet, r.business_date, r.amount, r.updated,
       CASE c.worst WHEN 6 THEN 'Mend the cause, then release it: jurnalsync command release ' || c.failed
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
           min(k.command_id) FILTER (WHERE k.rank = 6) AS failed,
           string_agg(DISTINCT k.reason, '; ') FILTER (WHERE k.rank > 1) AS reason,
           array_agg(k.document ORDER BY k.position, k.ordinal) FILTER (WHERE k.document IS NOT NULL) AS documents
    FROM (
        SELECT k.command_id, k.position, k.ordinal, k.document,
               coalesce(k.reason, skipped.reason, CASE WHEN k.state = 'due' THEN s.reason END) AS reason,
               command_rank(k.state, skipped.command_id IS NOT NULL, s.state, k.short_since,
                            (SELECT jurnalsync_clock())) AS rank
        FROM command k
        LEFT JOIN send s ON s.store_id = k.store_id AND s.command_id = k.command_id
        LEFT JOIN LATERAL (
            SELECT n.command_id, n.reason FROM command n
            WHERE n.store_id = k.store_id AND n.command_id = ANY (k.needs) AND n.state = 'skipped'
            ORDER BY n.position, n.ordinal LIMIT 1
        ) skipped ON k.state <> 'accepted'
        WHERE k.store_id = r.store_id AND k.record_id = r.record_id
    ) k
) c ON r.state = 'booking'
UNION ALL
SELECT DISTINCT ON (t.store_id, t.stream_id)
       t.store_id, 'stalled-' || t.stream_id, 'stalled', t.stream_id, NULL, NULL::date, NULL::numeric, t.position,
       'Everything later about this document waits; send position ' || t.position || ' to support', 'Failed',
       'A report cannot be folded: ' || t.error, NULL::bytea[]
FROM stalled_stream t;
