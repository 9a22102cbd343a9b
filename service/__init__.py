"""The service: what receives events, folds them, and makes Jurnal right."""
