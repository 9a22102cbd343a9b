-- Moved with every place that is taken of a budget and every closing: who read it without its lock takes a place only
-- while it stands as it was read.
ALTER TABLE quota_budget ADD COLUMN grants bigint NOT NULL DEFAULT 0;
