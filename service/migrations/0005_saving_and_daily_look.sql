-- Until when what makes up no full batch waits for more, because few calls are left.
ALTER TABLE quota_budget ADD COLUMN saving_until timestamptz;

-- The day, in the store's time zone, on which a look at its company was made last; and when one was tried last.
CREATE TABLE daily_look (
    store_id  text        NOT NULL PRIMARY KEY,
    looked_on date,
    tried_at  timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON daily_look TO :service_role;
