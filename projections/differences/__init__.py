"""Where the ledger and Jurnal differ, as the last comparison found it."""
