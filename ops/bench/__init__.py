"""Benchmarks: the ledger beside the limit of the same machine, interleaved in one run."""
