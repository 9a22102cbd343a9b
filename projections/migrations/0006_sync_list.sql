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
