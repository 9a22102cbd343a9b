SELECT status, due_date < $2 AS past_due, count(*) AS invoices
FROM invoice_payment WHERE store_id = $1 AND status NOT IN ('NotBooked', 'Deleted') GROUP BY 1, 2
