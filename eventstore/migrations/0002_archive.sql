-- Closed ranges that stand in files: each begins where the one before ended, the first at position 1.
CREATE TABLE archive (
    store_id    text        NOT NULL,
    first       bigint      NOT NULL CHECK (first > 0),
    last        bigint      NOT NULL CHECK (last >= first),
    hash_before bytea       NOT NULL CHECK (octet_length(hash_before) = 32),
    hash_after  bytea       NOT NULL CHECK (octet_length(hash_after) = 32),
    sha256      bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    file_name   text        NOT NULL,
    archived_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, first)
);

-- What stays of an archived fact, so that it is unique for ever and a report of it answers its position.
CREATE TABLE archived_fact (
    store_id       text    NOT NULL,
    position       bigint  NOT NULL,
    stream_id      text    NOT NULL,
    stream_version integer NOT NULL,
    source_id      text    NOT NULL,
    PRIMARY KEY (store_id, source_id),
    CONSTRAINT archived_fact_stream_version UNIQUE (store_id, stream_id, stream_version)
);

-- Up to where the ledger is archived. An append compares it with what it was decided on, so none that cannot see the
-- archived keys is written once facts leave.
ALTER TABLE ledger_head ADD COLUMN archived bigint NOT NULL DEFAULT 0 CHECK (archived >= 0);

-- A fact may leave the table once its archive is recorded, its key stays, and the head tells appends. The service's role
-- may delete nothing.
CREATE OR REPLACE FUNCTION refuse_change_of_facts() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM archive a
        WHERE a.store_id = OLD.store_id AND a.first <= OLD.position AND a.last >= OLD.position
    ) AND EXISTS (
        SELECT FROM ledger_head h WHERE h.store_id = OLD.store_id AND h.archived >= OLD.position
    ) AND EXISTS (
        SELECT FROM archived_fact k
        WHERE k.store_id = OLD.store_id AND k.source_id = OLD.source_id AND k.position = OLD.position
          AND k.stream_id = OLD.stream_id AND k.stream_version = OLD.stream_version
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'facts are append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;

GRANT SELECT ON archive, archived_fact TO :service_role;
