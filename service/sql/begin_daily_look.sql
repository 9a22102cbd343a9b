-- Whose turn it is to look at a store's company: of several processes one, and again after $3 where it came to nothing.
INSERT INTO daily_look AS known (store_id, tried_at)
SELECT $1, clock.now FROM (SELECT jurnalsync_clock() AS now) clock
ON CONFLICT (store_id) DO UPDATE SET tried_at = excluded.tried_at
WHERE coalesce(known.looked_on, '-infinity') < $2 AND known.tried_at <= excluded.tried_at - $3::interval
RETURNING store_id
