-- What may go now, oldest first, kind by kind ($4), at most $7 of each. Of a kind only the first $6 that are due behind a
-- place ($5, $9) are looked at, so that cost does not grow with the queue: a long one of payments whose invoices
-- have not gone is never walked to its end. Where so many were looked at, the last of them is told too, ready or not: the
-- next look goes on behind it.
-- With a day in $8, only business of that day or later: asked when what stands before it finds no place in the quota. The
-- day is looked at before lanes and needs, so that a long queue of older documents is passed over quickly.
SELECT r.store_id, r.command_id, r.kind, r.stream_id, r.body, r.state, r.attempt, r.due_at, r.signed_at, r.absent_from,
       r.request_digest, r.credit_before, r.owed_before, r.vouched, r.released_at, r.alone, r.batch_id, r.may_go, r.place
FROM unnest($4::text[], $5::timestamptz[], $9::text[], $7::int[]) AS asked (kind, behind_due_at, behind_id, rows_max)
CROSS JOIN LATERAL (
    SELECT w.*, c.stream_id, c.body, c.command_id IS NOT NULL AS may_go
    FROM (
        SELECT s.*, row_number() OVER (ORDER BY s.due_at, s.command_id) AS place
        FROM (
            SELECT *
            FROM send
            WHERE store_id = $1 AND company_id = $2 AND kind = asked.kind AND state IN ('due', 'waiting') AND due_at <= $3
              AND (due_at, command_id) > (asked.behind_due_at, asked.behind_id)
              AND ($8::date IS NULL
                   OR EXISTS (SELECT FROM command dated
                              JOIN sync_record r ON r.store_id = dated.store_id AND r.record_id = dated.record_id
                              WHERE dated.store_id = send.store_id AND dated.command_id = send.command_id
                                AND r.business_date >= $8))
            ORDER BY due_at, command_id
            LIMIT $6
        ) s
    ) w
    LEFT JOIN LATERAL (
        -- Its state is looked at behind its key: asked for by both, all that is due may be walked for each.
        SELECT k.command_id, k.stream_id, k.body, k.state
        FROM command_in_turn k
        WHERE k.store_id = w.store_id AND k.command_id = w.command_id
        LIMIT 1
    ) c ON c.state = 'due'
    WHERE c.command_id IS NOT NULL OR w.place = $6
    ORDER BY w.due_at, w.command_id
    LIMIT asked.rows_max
) r
