-- Who accepted a difference, why, and at which position; 0 and '' while nobody did.
ALTER TABLE difference
    ADD COLUMN accepted_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN accepted_by text NOT NULL DEFAULT '',
    ADD COLUMN accepted_reason text NOT NULL DEFAULT '';
ALTER TABLE projection_shadow.difference
    ADD COLUMN accepted_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN accepted_by text NOT NULL DEFAULT '',
    ADD COLUMN accepted_reason text NOT NULL DEFAULT '';
