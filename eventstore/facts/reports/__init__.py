"""What iSeller told us, one module a kind. Fields are iSeller's own names; all are optional, as reports may be thin."""
