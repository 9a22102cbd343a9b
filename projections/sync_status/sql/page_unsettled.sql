-- Lines whose commands are not all accepted, found from those few commands; $2 names the worst of a line's commands.
SELECT r.record_id, place.place
FROM (
    SELECT k.record_id, max(k.rank) AS worst, string_agg(k.reason, ' ') AS reasons
    FROM command_shown k
    WHERE k.store_id = $1 AND k.state <> 'accepted'
    GROUP BY k.record_id
) open
JOIN sync_record r ON r.store_id = $1 AND r.record_id = open.record_id AND r.state = 'booking'
CROSS JOIN LATERAL (
    SELECT CASE WHEN $3::boolean THEN r.position
                ELSE coalesce(r.business_date - DATE '2000-01-01', -1000000) END AS place
) place
WHERE open.worst = ANY ($2::integer[])
  AND ($4::text[] IS NULL OR r.kind = ANY ($4))
  AND ($5::text IS NULL OR r.outlet = $5)
  AND ($6::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) >= $6)
  AND ($7::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) <= $7)
  AND ($8::text IS NULL OR r.reference ILIKE $8 OR r.record_id ILIKE $8 OR r.reason ILIKE $8 OR open.reasons ILIKE $8)
  AND ($9::bigint IS NULL OR (place.place, r.record_id COLLATE "C") < ($9, $10::text))
ORDER BY place.place DESC, r.record_id COLLATE "C" DESC
LIMIT $11
