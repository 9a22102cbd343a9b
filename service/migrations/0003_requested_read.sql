-- How far iSeller's orders were read again because somebody asked for a range of dates: the request is the fact at
-- `position`. Operational: losing a row only means reading again.
CREATE TABLE requested_read (
    store_id  text    NOT NULL,
    position  bigint  NOT NULL,
    next_page integer NOT NULL CHECK (next_page > 0),
    finished  boolean NOT NULL,
    PRIMARY KEY (store_id, position)
);

GRANT SELECT, INSERT, UPDATE ON requested_read TO :service_role;
