"""Writes a range of a ledger as a history: JSON lines, or Parquet for an auditor's own tools; a manifest beside it."""

import hashlib
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from eventstore.chain import GENESIS
from eventstore.errors import HistoryError
from eventstore.event import Fact
from eventstore.history import FORMAT, PARQUET_FORMAT, Manifest, encode_facts, write_manifest
from eventstore.history_parquet import ParquetFile
from eventstore.in_order import in_order
from eventstore.store import LedgerReader

HistoryFormat = Literal["jsonl", "parquet"]
PAGE_FACTS = 2_000
# One is written while the next is on its way.
_PAGES_AT_ONCE = 2


class _HistoryFile(Protocol):
    """A new file that takes the facts of a history, page by page, and gives its SHA-256 in the end."""

    def write(self, facts: list[Fact]) -> None: ...

    def close(self) -> str: ...

    def discard(self) -> None: ...


async def export_history(
    reader: LedgerReader,
    store_id: str,
    path: Path,
    *,
    first: int = 1,
    last: int | None = None,
    form: HistoryFormat = "jsonl",
    on_progress: Callable[[int, int], None] = lambda _position, _end: None,
) -> Manifest:
    """Write positions `first` to `last` (None: the head) to `path`, its manifest beside it. Raises `HistoryError`.

    A file that is there already is not overwritten; one that could not be finished is removed.
    """
    head = await reader.head(store_id)
    end = head.position if last is None else last
    if not 1 <= first <= end <= head.position:
        raise HistoryError(f"positions {first} to {end} are not all in the ledger, which holds 1 to {head.position}")
    before = GENESIS if first == 1 else await reader.read_hash(store_id, first - 1)
    assert before is not None, "the position lies in the ledger"
    file: _HistoryFile = JsonLinesFile(path) if form == "jsonl" else ParquetFile(path)
    hash_after = before
    try:
        async with aclosing(pages(reader, store_id, first, end)) as read:
            async for facts in read:
                file.write(facts)
                hash_after = facts[-1].hash
                on_progress(facts[-1].position, end)
        sha256 = file.close()
    except BaseException:
        file.discard()
        raise
    manifest = Manifest(
        format=FORMAT if form == "jsonl" else PARQUET_FORMAT,
        store_id=store_id,
        first=first,
        last=end,
        hash_before=before.hex(),
        hash_after=hash_after.hex(),
        sha256=sha256,
    )
    write_manifest(path, manifest)
    return manifest


class JsonLinesFile:
    """A new file of JSON lines. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("xb")
        self._digest = hashlib.sha256()

    def write(self, facts: list[Fact]) -> None:
        """Add facts behind those that stand there."""
        lines = encode_facts(facts)
        self._digest.update(lines)
        self._file.write(lines)

    def close(self) -> str:
        """Bring the file to the disk and return its SHA-256 in hex."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Remove the file."""
        self._file.close()
        self._path.unlink()


async def pages(reader: LedgerReader, store_id: str, first: int, last: int) -> AsyncGenerator[list[Fact], None]:
    """Yield the facts from `first` to `last` page by page; the next one is read while the last is used."""
    reads = (
        reader.read_after(store_id, start - 1, min(PAGE_FACTS, last - start + 1))
        for start in range(first, last + 1, PAGE_FACTS)
    )
    position = first - 1
    async with aclosing(in_order(reads, at_once=_PAGES_AT_ONCE)) as read:
        async for page in read:
            position = min(position + PAGE_FACTS, last)
            if not page or page[-1].position != position:
                raise HistoryError(f"the ledger of {store_id!r} ends before {position}; run `jurnalsync verify`")
            yield page


async def positions_between(
    reader: LedgerReader, store_id: str, since: datetime | None, until: datetime | None
) -> tuple[int, int]:
    """Return the first and the last position recorded from `since` on and before `until`; first > last if none was."""
    head = await reader.head(store_id)
    first = 1 if since is None else await reader.position_at(store_id, since) + 1
    last = head.position if until is None else await reader.position_at(store_id, until)
    return first, last
