SELECT difference_id, kind, resource, command_id, jurnal_id, kept_id, transaction_no, business_date, ledger_amount,
       jurnal_amount, detail, repair, repair_at, found_at, found_on, accepted_at, accepted_by, accepted_reason
FROM difference
WHERE store_id = $1 AND difference_id = ANY ($2::text[]) AND resolved_at = 0
