-- A credit of which Jurnal shows more to be used than the ledger ever took out.
ALTER TABLE difference DROP CONSTRAINT difference_kind_check;
ALTER TABLE difference ADD CONSTRAINT difference_kind_check
    CHECK (kind IN ('missing', 'duplicate', 'altered', 'unknown', 'paid_differently', 'used_differently'));
ALTER TABLE projection_shadow.difference DROP CONSTRAINT difference_kind_check;
ALTER TABLE projection_shadow.difference ADD CONSTRAINT difference_kind_check
    CHECK (kind IN ('missing', 'duplicate', 'altered', 'unknown', 'paid_differently', 'used_differently'));
