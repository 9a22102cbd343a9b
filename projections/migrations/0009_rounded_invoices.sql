-- What of an invoice's total is neither its lines and taxes nor iSeller's own rounding, IDR, signed. Filled by
-- jurnalsync rebuild invoice_payment.
ALTER TABLE invoice_payment ADD COLUMN rounded numeric NOT NULL DEFAULT 0;
ALTER TABLE projection_shadow.invoice_payment ADD COLUMN rounded numeric NOT NULL DEFAULT 0;
