-- Up to which finding in Jurnal a send was looked up, as a position: what was found later is looked up before it is sent.
ALTER TABLE send ADD COLUMN found_at bigint NOT NULL DEFAULT 0;
