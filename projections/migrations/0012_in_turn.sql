-- Commands whose turn has come: before one in its lane stands nothing, or what is in Jurnal, or what is skipped, also
-- because it needs what is skipped; and all that it needs is in Jurnal. What it is itself is asked beside it.
CREATE VIEW command_in_turn AS
SELECT k.*
FROM command k
WHERE NOT EXISTS (
        SELECT 1 FROM command earlier
        WHERE earlier.store_id = k.store_id AND earlier.lane = k.lane
          AND (earlier.position, earlier.ordinal) < (k.position, k.ordinal)
          AND earlier.state NOT IN ('accepted', 'skipped')
          AND NOT EXISTS (
              SELECT 1 FROM command needed
              WHERE needed.store_id = earlier.store_id AND needed.command_id = ANY (earlier.needs)
                AND needed.state = 'skipped'))
  AND NOT EXISTS (
        SELECT 1 FROM unnest(k.needs) AS need (command_id)
        LEFT JOIN command needed ON needed.store_id = k.store_id AND needed.command_id = need.command_id
        WHERE needed.state IS DISTINCT FROM 'accepted');

GRANT SELECT ON command_in_turn TO :service_role;
