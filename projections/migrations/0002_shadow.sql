-- A rebuild folds into tables of the same names in a schema of their own, and swaps a store's rows in one transaction.
CREATE SCHEMA projection_shadow;
CREATE TABLE projection_shadow.projection_cursor (LIKE projection_cursor INCLUDING ALL);
CREATE TABLE projection_shadow.projection_state (LIKE projection_state INCLUDING ALL);
CREATE TABLE projection_shadow.stalled_stream (LIKE stalled_stream INCLUDING ALL);
CREATE TABLE projection_shadow.command (LIKE command INCLUDING ALL);
CREATE TABLE projection_shadow.sync_record (LIKE sync_record INCLUDING ALL);
CREATE TABLE projection_shadow.invoice_payment (LIKE invoice_payment INCLUDING ALL);
CREATE TABLE projection_shadow.in_transit_stock (LIKE in_transit_stock INCLUDING ALL);
CREATE TABLE projection_shadow.master_data (LIKE master_data INCLUDING ALL);
CREATE TABLE projection_shadow.store_setting (LIKE store_setting INCLUDING ALL);

GRANT USAGE ON SCHEMA projection_shadow TO :service_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA projection_shadow TO :service_role;
GRANT DELETE ON projection_state, command, sync_record, invoice_payment, in_transit_stock, master_data, store_setting
    TO :service_role;
