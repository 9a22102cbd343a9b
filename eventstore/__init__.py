"""The ledger: append-only facts on Postgres, one gapless hash chain per store."""
