-- What the ledger takes out of each credit, by the command that made it; what is still to go out counts as gone.
SELECT u.source, sum(u.amount) AS used
FROM (SELECT convert_from(body, 'UTF8')::jsonb ->> 'source' AS source,
             (convert_from(body, 'UTF8')::jsonb ->> 'amount')::numeric AS amount
      FROM command
      WHERE store_id = $1 AND kind IN ('RefundCredit', 'ApplyCredit') AND state IN ('due', 'accepted')) u
WHERE u.source = ANY ($2::text[])
GROUP BY u.source
