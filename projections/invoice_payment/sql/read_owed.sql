SELECT transaction_no, total - paid - returned AS owed FROM invoice_payment
WHERE store_id = $1 AND transaction_no = ANY ($2::text[]) AND status IN ('Open', 'Partial', 'Paid')
