"""The vocabulary of the ledger: every fact type, its Struct, and what may stand in clear."""
