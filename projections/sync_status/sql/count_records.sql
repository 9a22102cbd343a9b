SELECT status, sum(records)::bigint AS records
FROM (
    SELECT CASE r.state
               WHEN 'held' THEN 'Held' WHEN 'failed' THEN 'Failed'
               WHEN 'skipped' THEN 'Skipped' WHEN 'superseded' THEN 'Superseded'
               ELSE (ARRAY['Success', 'Skipped', 'Pending', 'Processing', 'Held', 'Failed'])[coalesce(open.worst, 1)]
           END AS status, count(*) AS records
    FROM sync_record r
    LEFT JOIN (
        SELECT k.record_id, max(k.rank) AS worst, string_agg(k.reason, ' ') AS reasons
        FROM command_shown k
        WHERE k.store_id = $1 AND k.state <> 'accepted'
        GROUP BY k.record_id
    ) open ON r.state = 'booking' AND open.record_id = r.record_id
    WHERE r.store_id = $1
      AND ($2::text[] IS NULL OR r.kind = ANY ($2))
      AND ($3::text IS NULL OR r.outlet = $3)
      AND ($4::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) >= $4)
      AND ($5::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) <= $5)
      AND ($6::text IS NULL OR r.reference ILIKE $6 OR r.record_id ILIKE $6 OR r.reason ILIKE $6 OR open.reasons ILIKE $6)
    GROUP BY 1
    UNION ALL
    SELECT 'Failed', count(DISTINCT t.stream_id)
    FROM stalled_stream t
    WHERE t.store_id = $1 AND ($2::text[] IS NULL OR 'stalled' = ANY ($2)) AND $3::text IS NULL
      AND $4::integer IS NULL AND $5::integer IS NULL
      AND ($6::text IS NULL OR t.stream_id ILIKE $6 OR t.error ILIKE $6)
) counted
GROUP BY status
