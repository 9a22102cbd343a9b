-- Up to a hundred documents go in one call. `kind` is that of the command; empty where an earlier release wrote the row,
-- which then goes by itself. `alone`: it was on its way once, so that only an endpoint that refuses a used key may have it.
-- `batch_id` is the call its last attempt was part of, null for one that went by itself or is looked up by itself.
ALTER TABLE send ADD COLUMN kind     text    NOT NULL DEFAULT '',
                 ADD COLUMN alone    boolean NOT NULL DEFAULT false,
                 ADD COLUMN batch_id uuid;
UPDATE send SET kind = c.kind
FROM command c
WHERE c.store_id = send.store_id AND c.command_id = send.command_id AND send.state <> 'done';

-- What may go is asked for kind by kind; what must be looked up comes before it.
DROP INDEX send_next;
CREATE INDEX send_ready ON send (store_id, company_id, kind, due_at, command_id) WHERE state IN ('due', 'waiting');
CREATE INDEX send_unknown ON send (store_id, company_id, due_at, command_id) WHERE state = 'unknown';
-- What is looked for before every step is found without a walk through what is due.
CREATE INDEX send_sending ON send (store_id, company_id, deadline_at) WHERE state = 'sending';
CREATE INDEX command_released ON command (store_id, command_id) WHERE state = 'due' AND released_at > 0;

-- Every attempt that was begun. `outcome` is what its own answer told: null while it is under way, unknown without a
-- usable answer, whatever a look-up finds later. `request_digest` is the whole call's, and empty where a person is in it.
CREATE TABLE attempt (
    store_id        text        NOT NULL,
    command_id      text        NOT NULL,
    number          integer     NOT NULL CHECK (number >= 1),
    company_id      text        NOT NULL,
    batch_id        uuid        NOT NULL,
    rows            integer     NOT NULL CHECK (rows BETWEEN 1 AND 100),
    signed_at       timestamptz NOT NULL,
    deadline_at     timestamptz NOT NULL,
    absent_from     timestamptz NOT NULL,
    request_digest  text        NOT NULL,
    owner           uuid        NOT NULL,
    outcome         text        CHECK (outcome IN ('accepted', 'refused', 'waiting', 'unknown')),
    http_status     integer,
    response_digest text        NOT NULL DEFAULT '',
    answered_at     timestamptz,
    PRIMARY KEY (store_id, command_id, number),
    CHECK (outcome IS NOT NULL OR http_status IS NULL)
);
CREATE INDEX attempt_batch ON attempt (store_id, batch_id) WHERE rows > 1;
GRANT SELECT, INSERT, UPDATE ON attempt TO :service_role;
