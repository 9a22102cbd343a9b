"""Which invoices are open, partly paid or paid, exactly as in Jurnal."""
