SELECT order_id, order_reference, transaction_no, transaction_date, due_date, total, paid, returned, status
FROM invoice_payment
WHERE store_id = $1 AND status = ANY ($2::text[]) AND ($3::date IS NULL OR due_date < $3)
  AND ($4::date IS NULL OR due_date >= $4) AND transaction_no > $5
ORDER BY transaction_no LIMIT $6
