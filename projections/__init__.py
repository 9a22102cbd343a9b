"""What a ledger means now: pure folds, one folder per read model, each saved with its cursor in one transaction."""
