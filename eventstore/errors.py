"""What can go wrong in the ledger, by name and with its numbers."""


class LedgerError(Exception):
    """Base of everything the ledger refuses."""


class AppendQueueFull(LedgerError):
    """The appender's queue is at its limit; try again after `retry_after_seconds`."""

    def __init__(self, *, queued_facts: int, queued_bytes: int, retry_after_seconds: int) -> None:
        super().__init__(
            f"append queue full: {queued_facts} facts, {queued_bytes} bytes wait; retry after {retry_after_seconds} s"
        )
        self.retry_after_seconds = retry_after_seconds


class FactTooLarge(LedgerError):
    """A fact's bytes exceed the ledger's limit."""

    def __init__(self, *, fact_bytes: int, fact_bytes_max: int) -> None:
        super().__init__(f"fact of {fact_bytes} bytes exceeds the limit of {fact_bytes_max} bytes")


class LedgerNotFound(LedgerError):
    """No ledger was opened for this store."""

    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id!r} has no ledger; connect it first with `jurnalsync setup apply`")
        self.store_id = store_id


class LedgerGap(LedgerError):
    """A reader met a position that does not follow the last one. This must never happen."""

    def __init__(self, *, store_id: str, expected: int, found: int) -> None:
        super().__init__(f"ledger of {store_id!r} has a gap: expected position {expected}, found {found}")
        self.store_id = store_id
        self.expected = expected
        self.found = found


class HistoryError(LedgerError):
    """A history or an archive cannot be written or read; the text says where and what to do."""


class MigrationError(LedgerError):
    """A migration cannot be applied; the text says which and what to do."""


class SealingKeyMissing(LedgerError):
    """No sealing key with this id was mounted."""


class UnknownFactType(LedgerError):
    """The registry has no Struct for this (type, schema version)."""

    def __init__(self, type_: str, schema_version: int) -> None:
        super().__init__(f"no reader for fact type {type_!r} version {schema_version}; upgrade before folding it")


class LeaseLost(LedgerError):
    """Another owner holds the lease or the cursor moved under us; nothing was written."""
