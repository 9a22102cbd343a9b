"""What the on-call engineer sees: metrics and logs."""
