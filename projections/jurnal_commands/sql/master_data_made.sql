-- Of all that were made of a kind, in a ring, the $4 whose turn $3 is; and those of $5.
SELECT k.command_id, k.stream_id, k.state, k.body, k.document, k.reason, NULL AS send_state, 0 AS attempt,
       NULL::date AS business_date
FROM (SELECT c.*, row_number() OVER (ORDER BY c.command_id) - 1 AS place, count(*) OVER () AS made
      FROM command c
      WHERE c.store_id = $1 AND c.kind = $2 AND c.state = 'accepted' AND c.document IS NOT NULL) k
WHERE (k.place - ($3::bigint * $4) % k.made + k.made) % k.made < $4 OR k.command_id = ANY ($5::text[])
ORDER BY k.command_id
