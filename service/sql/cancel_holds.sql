-- A call that was granted and never made: neither its places nor its day know of it.
WITH cancelled AS (
    DELETE FROM quota_hold WHERE budget = ANY ($1::text[]) AND hold_id = $2 RETURNING budget
)
UPDATE quota_day SET calls = calls - 1
WHERE budget = $3 AND day = $4 AND calls > 0 AND EXISTS (SELECT FROM cancelled WHERE cancelled.budget = $3)
