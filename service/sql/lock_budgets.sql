-- What is read of them must be read by a statement that begins after this one: a statement sees what was committed
-- when it began, and this one may wait.
SELECT budget FROM quota_budget WHERE budget = ANY ($1::text[]) ORDER BY budget FOR UPDATE
