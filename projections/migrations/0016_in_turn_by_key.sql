-- As before; what is needed is found by its key, one by one: a plan made before a table's statistics may walk it instead.
CREATE OR REPLACE VIEW command_in_turn AS
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
        WHERE (SELECT needed.state FROM command needed
               WHERE needed.store_id = k.store_id AND needed.command_id = need.command_id) IS DISTINCT FROM 'accepted');
