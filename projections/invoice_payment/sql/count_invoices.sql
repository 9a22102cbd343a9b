SELECT status, due_date < $2 AS past_due, count(*) AS invoices,
       count(*) FILTER (WHERE rounded <> 0) AS rounded_invoices, sum(rounded) AS rounded
FROM invoice_payment WHERE store_id = $1 AND status NOT IN ('NotBooked', 'Deleted') GROUP BY 1, 2
