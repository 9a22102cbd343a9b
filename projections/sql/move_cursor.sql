UPDATE projection_cursor SET position = $4, epoch = $5, folded_at = jurnalsync_clock()
WHERE store_id = $1 AND projection = $2 AND position = $3 AND epoch <= $5 AND generation = $6
  -- What was folded from memory must still stand in the ledger: its last hash tells of all before it. Asked for in the
  -- order of positions, because a plan that is kept may otherwise find the store by another key and walk its ledger.
  AND ($7::bytea IS NULL
       OR $7 = (SELECT f.hash FROM facts f WHERE f.store_id = $1 AND f.position >= $4 ORDER BY f.position LIMIT 1))
RETURNING store_id, projection, folded_at
