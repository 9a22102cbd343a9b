-- As page_newest, by business date: days since 2000-01-01, -1000000 for none.
SELECT page.record_id, page.place
FROM unnest($2::text[]) AS wanted (state)
CROSS JOIN LATERAL (
    SELECT r.record_id, coalesce(r.business_date - DATE '2000-01-01', -1000000)::bigint AS place
    FROM sync_record r
    WHERE r.store_id = $1 AND r.state = wanted.state
      AND ($3::text[] IS NULL OR r.kind = ANY ($3))
      AND ($4::text IS NULL OR r.outlet = $4)
      AND ($5::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) >= $5)
      AND ($6::integer IS NULL OR coalesce(r.business_date - DATE '2000-01-01', -1000000) <= $6)
      AND ($7::text IS NULL OR r.reference ILIKE $7 OR r.record_id ILIKE $7 OR r.reason ILIKE $7
           OR r.record_id IN (SELECT k.record_id
                              FROM command_shown k
                              WHERE k.store_id = $1 AND k.state <> 'accepted' AND k.reason ILIKE $7))
      AND ($8::bigint IS NULL OR (coalesce(r.business_date - DATE '2000-01-01', -1000000), r.record_id COLLATE "C") < ($8::integer, $9::text))
      AND (NOT $11::boolean OR r.state <> 'booking'
           OR NOT EXISTS (SELECT FROM command k
                          WHERE k.store_id = $1 AND k.record_id = r.record_id AND k.state <> 'accepted'
                            AND k.state <> 'superseded'))
    ORDER BY coalesce(r.business_date - DATE '2000-01-01', -1000000) DESC, r.record_id COLLATE "C" DESC
    LIMIT $10
) page
