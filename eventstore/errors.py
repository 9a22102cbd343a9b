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


class FactUnstorable(LedgerError):
    """A fact cannot be stored as it is; `field` is what to mend. Nothing of its call was written."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"the fact cannot be stored: {field} {fault}")
        self.field = field


class LedgerBehind(LedgerError):
    """The database lacks what it had acknowledged: a standby that was behind took over, or an older copy was restored.

    Nothing of the call was written; the next one goes on from where the ledger ends now.
    """

    def __init__(self, *, store_id: str, acknowledged: int, found: int) -> None:
        super().__init__(
            f"ledger of {store_id!r} ends at position {found} and lacks what was acknowledged at {acknowledged}:"
            " the database lost facts (failover to a standby that was behind, or an older copy restored);"
            " repeat what was appended"
        )
        self.store_id = store_id
        self.acknowledged = acknowledged
        self.found = found


class PositionOutOfRange(LedgerError):
    """A ledger has no such position or version; they count from 1, and 0 stands before the first."""

    def __init__(self, place: int, place_max: int) -> None:
        super().__init__(f"{place} is no place in a ledger or stream: they run from 0 to {place_max}")


class LedgerNotFound(LedgerError):
    """No ledger was opened for this store."""

    def __init__(self, store_id: str) -> None:
        super().__init__(f"store {store_id!r} has no ledger; connect it first with `jurnalsync setup apply`")
        self.store_id = store_id


class StoreNameRefused(LedgerError):
    """No ledger can have this name."""

    def __init__(self, store_id: str) -> None:
        super().__init__(
            f"{store_id!r} cannot name a store: use 1 to 40 lower-case letters, digits and hyphens, no hyphen in front"
        )


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


class PoolerNotDeclared(LedgerError):
    """The database's address is a pooler's, and the connections would keep state in sessions that are not theirs."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the database's address leads through a pooler such as PgBouncer ({reason});"
            " set JURNALSYNC_STATEMENT_CACHE_SIZE=0, or give the address of Postgres itself"
        )


class SealingKeyMissing(LedgerError):
    """No sealing key with this id was mounted."""


class UnknownFactType(LedgerError):
    """The registry has no Struct for this (type, schema version)."""

    def __init__(self, type_: str, schema_version: int) -> None:
        super().__init__(f"no reader for fact type {type_!r} version {schema_version}; upgrade before folding it")


class LeaseLost(LedgerError):
    """Another owner holds the lease or the cursor moved under us; nothing was written."""
