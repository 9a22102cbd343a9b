"""What the ledger stores and what an append answers."""

from datetime import datetime

import msgspec


class NewFact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact on its way into a ledger.

    `body` holds the exact bytes with personal values replaced by tokens; `sealed` holds the replaced values;
    `metadata` is JSON about the way in (channel, signature, actor). `observed_at` is when the source saw it.
    `expected_version` None appends at the stream's end; a number makes the append fail alone if the stream moved.
    """

    stream_id: str
    type: str
    schema_version: int
    source_id: str
    observed_at: datetime
    body: bytes
    sealed: bytes = b""
    metadata: bytes = b"{}"
    expected_version: int | None = None


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A stored fact. `position` counts 1, 2, 3 … in its ledger, `stream_version` 1, 2, 3 … in its stream."""

    store_id: str
    position: int
    stream_id: str
    stream_version: int
    type: str
    schema_version: int
    source_id: str
    observed_at: datetime
    recorded_at: datetime
    body: bytes
    sealed: bytes
    metadata: bytes
    hash: bytes

    @property
    def is_first(self) -> bool:
        """Whether it is the first of its stream."""
        return self.stream_version == 1


class Head(msgspec.Struct, frozen=True):
    """The end of a ledger: last position, its chain hash, and the time it was recorded; up to where it is archived."""

    position: int
    hash: bytes
    recorded_at: datetime
    archived: int = 0


class Appended(msgspec.Struct, frozen=True, tag="appended"):
    """The fact is durable at `position`."""

    position: int
    stream_version: int


class Duplicate(msgspec.Struct, frozen=True, tag="duplicate"):
    """The source id was there already, at `position`; nothing was written."""

    position: int
    stream_version: int


class VersionConflict(msgspec.Struct, frozen=True, tag="version_conflict"):
    """The stream stands at `stream_version`, not where the caller expected it; nothing was written."""

    expected_version: int
    stream_version: int


AppendResult = Appended | Duplicate | VersionConflict
