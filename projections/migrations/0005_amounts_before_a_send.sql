-- Using a credit leaves no mark of ours: what the credit memo had left, and the invoice owed, stand with the attempt
-- before it is made, and are compared after it. `vouched`: a person released the command since its last attempt.
ALTER TABLE send ADD COLUMN credit_before numeric, ADD COLUMN owed_before numeric,
                 ADD COLUMN vouched boolean NOT NULL DEFAULT false;
