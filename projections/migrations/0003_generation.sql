-- How often a rebuild was swapped in: whoever keeps states in memory guards its cursor with it, and reads them again.
ALTER TABLE projection_cursor ADD COLUMN generation bigint NOT NULL DEFAULT 0 CHECK (generation >= 0);
ALTER TABLE projection_shadow.projection_cursor ADD COLUMN generation bigint NOT NULL DEFAULT 0;
