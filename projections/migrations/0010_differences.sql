-- Where Jurnal and the ledger differ, as comparisons found it. 0 and '' stand for nothing: rows are compared by a rebuild.
CREATE TABLE difference (
    store_id       text        NOT NULL,
    difference_id  text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('missing', 'duplicate', 'altered', 'unknown', 'paid_differently')),
    resource       text        NOT NULL,
    command_id     text        NOT NULL,
    jurnal_id      bigint      NOT NULL,
    kept_id        bigint      NOT NULL,
    transaction_no text        NOT NULL,
    business_date  date        NOT NULL,
    ledger_amount  numeric,
    jurnal_amount  numeric,
    detail         text        NOT NULL,
    repair         text        NOT NULL CHECK (repair IN ('', 'resend', 'delete')),
    found_at       bigint      NOT NULL,
    found_on       timestamptz NOT NULL,
    resolved_at    bigint      NOT NULL,
    repair_at      bigint      NOT NULL,
    PRIMARY KEY (store_id, difference_id)
);
CREATE INDEX difference_open ON difference (store_id, difference_id COLLATE "C") WHERE resolved_at = 0;
CREATE INDEX difference_unknown ON difference (store_id, command_id) WHERE kind = 'unknown' AND resolved_at = 0;
CREATE TABLE projection_shadow.difference (LIKE difference INCLUDING ALL);

GRANT SELECT, INSERT, UPDATE, DELETE ON difference, projection_shadow.difference TO :service_role;
