-- Lines are counted by what the fold knows of them; of those being booked, the few whose commands are not all accepted are
-- taken out and counted as they show.
WITH unsettled AS MATERIALIZED (
    SELECT open.worst, count(*) AS records
    FROM (
        SELECT k.record_id, max(k.rank) AS worst, bool_or(k.reason ILIKE $6) AS is_named
        FROM command_shown k
        WHERE k.store_id = $1 AND k.state <> 'accepted'
        GROUP BY k.record_id
    ) open
    JOIN sync_record r ON r.store_id = $1 AND r.record_id = open.record_id AND r.state = 'booking'
    WHERE ($2::text[] IS NULL OR r.kind = ANY ($2))
      AND ($3::text IS NULL OR r.outlet = $3)
      AND ($4::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) >= $4)
      AND ($5::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) <= $5)
      AND ($6::text IS NULL OR r.reference ILIKE $6 OR r.record_id ILIKE $6 OR r.reason ILIKE $6 OR open.is_named)
    GROUP BY open.worst
), told AS MATERIALIZED (
    SELECT r.state, count(*) AS records
    FROM sync_record r
    WHERE r.store_id = $1
      AND ($2::text[] IS NULL OR r.kind = ANY ($2))
      AND ($3::text IS NULL OR r.outlet = $3)
      AND ($4::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) >= $4)
      AND ($5::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) <= $5)
      AND ($6::text IS NULL OR r.reference ILIKE $6 OR r.record_id ILIKE $6 OR r.reason ILIKE $6
           OR r.record_id IN (SELECT k.record_id
                              FROM command_shown k
                              WHERE k.store_id = $1 AND k.state <> 'accepted' AND k.reason ILIKE $6))
    GROUP BY r.state
)
SELECT status, sum(records)::bigint AS records
FROM (
    SELECT CASE state
               WHEN 'held' THEN 'Held' WHEN 'failed' THEN 'Failed'
               WHEN 'skipped' THEN 'Skipped' WHEN 'superseded' THEN 'Superseded' ELSE 'Success'
           END AS status, records
    FROM told
    UNION ALL
    SELECT 'Success', -records FROM unsettled
    UNION ALL
    SELECT (ARRAY['Success', 'Skipped', 'Pending', 'Processing', 'Held', 'Failed'])[worst], records FROM unsettled
    UNION ALL
    SELECT 'Failed', count(DISTINCT t.stream_id)
    FROM stalled_stream t
    WHERE t.store_id = $1 AND ($2::text[] IS NULL OR 'stalled' = ANY ($2)) AND $3::text IS NULL
      AND $4::integer IS NULL AND $5::integer IS NULL
      AND ($6::text IS NULL OR t.stream_id ILIKE $6 OR t.error ILIKE $6)
) counted
GROUP BY status
