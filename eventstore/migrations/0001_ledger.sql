-- The database's one clock. Tests replace this function; nothing else reads the time.
CREATE FUNCTION jurnalsync_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
AS $$ SELECT clock_timestamp() $$;

-- The end of each ledger. Its row is the only place where positions are given out.
CREATE TABLE ledger_head (
    store_id    text        NOT NULL PRIMARY KEY CHECK (store_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    position    bigint      NOT NULL CHECK (position >= 0),
    hash        bytea       NOT NULL CHECK (octet_length(hash) = 32),
    recorded_at timestamptz NOT NULL
);

CREATE TABLE facts (
    store_id       text        NOT NULL,
    position       bigint      NOT NULL CHECK (position > 0),
    stream_id      text        NOT NULL,
    stream_version integer     NOT NULL CHECK (stream_version > 0),
    type           text        NOT NULL,
    schema_version smallint    NOT NULL CHECK (schema_version > 0),
    source_id      text        NOT NULL,
    observed_at    timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    body           bytea       NOT NULL,
    sealed         bytea       NOT NULL,
    metadata       bytea       NOT NULL,
    hash           bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (store_id, position),
    CONSTRAINT facts_stream_version UNIQUE (store_id, stream_id, stream_version),
    CONSTRAINT facts_source_id UNIQUE (store_id, source_id)
);

-- For people: the same facts with their bodies as jsonb (an unreadable body is a JSON string token, so it casts too).
CREATE VIEW facts_readable AS
SELECT store_id, position, stream_id, stream_version, type, schema_version, source_id, observed_at, recorded_at,
       convert_from(body, 'UTF8')::jsonb AS body, convert_from(metadata, 'UTF8')::jsonb AS metadata,
       octet_length(sealed) AS sealed_bytes, encode(hash, 'hex') AS hash
FROM facts;

-- The grants below are the rule; these triggers are a second lock, also against the owner.
CREATE FUNCTION refuse_change_of_facts() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'facts are append-only: % refused', TG_OP USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER facts_refuse_update_delete BEFORE UPDATE OR DELETE ON facts
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_facts();
CREATE TRIGGER facts_refuse_truncate BEFORE TRUNCATE ON facts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_facts();

-- One data key per person, wrapped by the store key. Erasing a person sets wrapped_key to null; the row stays as a marker.
CREATE TABLE person_key (
    store_id    text        NOT NULL,
    person      bytea       NOT NULL CHECK (octet_length(person) = 16),
    wrapped_key bytea,
    created_at  timestamptz NOT NULL,
    erased_at   timestamptz,
    PRIMARY KEY (store_id, person),
    CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL))
);

-- Secrets of the two edges, sealed by a key from a file. Facts name them by reference and fingerprint only.
CREATE TABLE credential (
    store_id    text        NOT NULL,
    reference   text        NOT NULL,
    sealed      bytea       NOT NULL,
    fingerprint text        NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (store_id, reference)
);

-- Who may fold or poll a store. The epoch fences an owner that wakes up late.
CREATE TABLE store_lease (
    store_id   text        NOT NULL,
    purpose    text        NOT NULL CHECK (purpose IN ('fold', 'poll')),
    owner      uuid        NOT NULL,
    epoch      bigint      NOT NULL CHECK (epoch > 0),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, purpose)
);

GRANT SELECT, INSERT, UPDATE ON ledger_head TO :service_role;
GRANT SELECT, INSERT ON facts TO :service_role;
GRANT SELECT ON facts_readable, schema_migration TO :service_role;
GRANT SELECT, INSERT, UPDATE ON person_key, credential, store_lease TO :service_role;
