-- What is folded can be folded again: a crash that loses the last commits moves the cursor back together with the rows,
-- and whoever acts on a row commits behind it, durably. So folding does not wait for the disk.
SELECT count(*) AS moved, set_config('synchronous_commit', 'off', true) FROM moved
