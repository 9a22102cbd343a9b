-- How far each projection has folded a ledger. Moved only together with the rows, guarded by its old value and epoch.
CREATE TABLE projection_cursor (
    store_id   text        NOT NULL,
    projection text        NOT NULL,
    position   bigint      NOT NULL CHECK (position >= 0),
    epoch      bigint      NOT NULL,
    folded_at  timestamptz NOT NULL,
    PRIMARY KEY (store_id, projection)
);

-- What a projection knows of one stream, as its fold left it.
CREATE TABLE projection_state (
    store_id   text  NOT NULL,
    projection text  NOT NULL,
    key        text  NOT NULL,
    state      bytea NOT NULL,
    PRIMARY KEY (store_id, projection, key)
);

-- A stream whose next fact cannot be folded: it waits from `position` on, its neighbours do not.
CREATE TABLE stalled_stream (
    store_id   text        NOT NULL,
    projection text        NOT NULL,
    stream_id  text        NOT NULL,
    position   bigint      NOT NULL,
    error      text        NOT NULL,
    stalled_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, projection, stream_id)
);

-- Folded from facts only. The words of `state` are drawn in projections/jurnal_commands/README.md.
CREATE TABLE command (
    store_id     text     NOT NULL,
    command_id   text     NOT NULL,
    company_id   text     NOT NULL,
    stream_id    text     NOT NULL,
    record_id    text     NOT NULL,
    lane         text     NOT NULL,
    position     bigint   NOT NULL,
    ordinal      smallint NOT NULL,
    kind         text     NOT NULL,
    body         bytea    NOT NULL,
    needs        text[]   NOT NULL,
    state        text     NOT NULL CHECK (state IN ('due', 'accepted', 'refused', 'parked')),
    reason       text,
    document     bytea,
    settled_at   bigint,
    released_at  bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (store_id, command_id)
);
CREATE INDEX command_lane ON command (store_id, lane, position, ordinal);
CREATE INDEX command_record ON command (store_id, record_id);

-- Operational: one command's way over the wire. Moved by the dispatcher alone; made by the fold together with its command.
CREATE TABLE send (
    store_id        text        NOT NULL,
    command_id      text        NOT NULL,
    company_id      text        NOT NULL,
    state           text        NOT NULL CHECK (state IN ('due', 'sending', 'waiting', 'unknown', 'done')),
    attempt         integer     NOT NULL CHECK (attempt >= 0),
    due_at          timestamptz NOT NULL,
    signed_at       timestamptz,
    deadline_at     timestamptz,
    absent_from     timestamptz,
    request_digest  text        NOT NULL DEFAULT '',
    released_at     bigint      NOT NULL DEFAULT 0,
    reason          text,
    PRIMARY KEY (store_id, command_id)
);
-- What must be looked up comes before what is new; the order of `next_send`.
CREATE INDEX send_next ON send (store_id, company_id, (state <> 'unknown'), due_at, command_id)
    WHERE state IN ('due', 'waiting', 'unknown');

-- One line of the Accounting Sync list. `state` is what the fold knows; with commands, the worst of them shows.
CREATE TABLE sync_record (
    store_id      text     NOT NULL,
    record_id     text     NOT NULL,
    kind          text     NOT NULL,
    reference     text     NOT NULL,
    outlet        text,
    business_date date,
    amount        numeric,
    state         text     NOT NULL CHECK (state IN ('held', 'booking', 'failed', 'skipped', 'superseded')),
    reason        text,
    what_to_do    text,
    position      bigint   NOT NULL,
    updated       bigint   NOT NULL,
    PRIMARY KEY (store_id, record_id)
);
CREATE INDEX sync_record_newest ON sync_record (store_id, updated DESC);

CREATE TABLE invoice_payment (
    store_id         text    NOT NULL,
    order_id         text    NOT NULL,
    order_reference  text    NOT NULL,
    transaction_no   text    NOT NULL,
    jurnal_id        bigint,
    transaction_date date    NOT NULL,
    due_date         date    NOT NULL,
    total            numeric NOT NULL,
    received         numeric NOT NULL,
    paid             numeric NOT NULL,
    status           text    NOT NULL CHECK (status IN ('NotBooked', 'Open', 'Partial', 'Paid')),
    updated          bigint  NOT NULL,
    PRIMARY KEY (store_id, order_id)
);

CREATE TABLE in_transit_stock (
    store_id        text    NOT NULL,
    transfer_id     text    NOT NULL,
    sku             text    NOT NULL,
    transfer_number text    NOT NULL,
    source          text    NOT NULL,
    destination     text    NOT NULL,
    sent            numeric NOT NULL,
    received        numeric NOT NULL,
    returned        numeric NOT NULL,
    rejected        numeric NOT NULL,
    in_transit      numeric NOT NULL,
    updated         bigint  NOT NULL,
    PRIMARY KEY (store_id, transfer_id, sku)
);

-- What Jurnal calls the things that commands name, remembered from look-ups.
CREATE TABLE master_data (
    store_id  text   NOT NULL,
    kind      text   NOT NULL,
    key       text   NOT NULL,
    jurnal_id bigint NOT NULL,
    name      text   NOT NULL,
    category  text,
    rate      numeric,
    updated   bigint NOT NULL,
    PRIMARY KEY (store_id, kind, key)
);

-- Settings as they stand, for whoever acts on them outside a fold.
CREATE TABLE store_setting (
    store_id text   NOT NULL,
    name     text   NOT NULL,
    key      text   NOT NULL,
    body     bytea  NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (store_id, name, key)
);

-- The Accounting Sync list as a shopkeeper reads it: of several commands the worst shows; a stalled stream is a failure.
CREATE VIEW sync_list AS
SELECT r.store_id, r.record_id, r.kind, r.reference, r.outlet, r.business_date, r.amount, r.updated,
       CASE WHEN c.worst = 4 THEN 'Mend the cause, then release it: jurnalsync command release ' || c.failed
            ELSE r.what_to_do END AS what_to_do,
       CASE r.state
           WHEN 'held' THEN 'Held' WHEN 'failed' THEN 'Failed'
           WHEN 'skipped' THEN 'Skipped' WHEN 'superseded' THEN 'Superseded'
           ELSE (ARRAY['Success', 'Pending', 'Processing', 'Failed'])[coalesce(c.worst, 2)]
       END AS status,
       coalesce(c.reason, r.reason) AS reason, c.documents
FROM sync_record r
LEFT JOIN LATERAL (
    SELECT max(CASE WHEN k.state = 'accepted' THEN 1 WHEN k.state IN ('refused', 'parked') THEN 4
                    WHEN s.state IN ('sending', 'unknown') THEN 3 ELSE 2 END) AS worst,
           min(k.command_id) FILTER (WHERE k.state IN ('refused', 'parked')) AS failed,
           string_agg(coalesce(k.reason, CASE WHEN k.state = 'due' THEN s.reason END), '; ' ORDER BY k.position, k.ordinal)
               AS reason,
           array_agg(k.document ORDER BY k.position, k.ordinal) FILTER (WHERE k.document IS NOT NULL) AS documents
    FROM command k
    LEFT JOIN send s ON s.store_id = k.store_id AND s.command_id = k.command_id
    WHERE k.store_id = r.store_id AND k.record_id = r.record_id
) c ON r.state = 'booking'
UNION ALL
SELECT DISTINCT ON (t.store_id, t.stream_id)
       t.store_id, 'stalled-' || t.stream_id, 'stalled', t.stream_id, NULL, NULL::date, NULL::numeric, t.position,
       'Everything later about this document waits; send position ' || t.position || ' to support', 'Failed',
       'A report cannot be folded: ' || t.error, NULL::bytea[]
FROM stalled_stream t;

GRANT SELECT ON sync_list TO :service_role;
GRANT SELECT, INSERT, UPDATE ON projection_cursor, projection_state, command, send, sync_record, invoice_payment,
    in_transit_stock, master_data, store_setting TO :service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON stalled_stream TO :service_role;
