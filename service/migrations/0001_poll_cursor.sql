-- How far each of iSeller's endpoints was read. Operational: losing a row only means reading again.
-- modified_after never goes back; reading_after is where a pass that spans several steps goes on, null between passes.
CREATE TABLE poll_cursor (
    store_id       text        NOT NULL,
    endpoint       text        NOT NULL,
    modified_after timestamptz NOT NULL,
    reading_after  timestamptz,
    swept_on       date        NOT NULL,
    PRIMARY KEY (store_id, endpoint)
);

GRANT SELECT, INSERT, UPDATE ON poll_cursor TO :service_role;
