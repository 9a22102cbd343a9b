"""Histories: a range of a ledger as JSON lines with a manifest, written for auditors and read back with COPY.

A line holds one fact: body, sealed part and metadata in base64, times in microseconds since 1970-01-01 UTC, its hash
in hex. The manifest names the range, the hash before it, the hash at its end, and the SHA-256 of the file. Whoever has
both can recompute every hash without this program; sealed values stay sealed, their keys are not part of a history.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec

from eventstore.chain import GENESIS, microseconds, recompute_hash
from eventstore.connection import Connection, Pool
from eventstore.errors import LedgerError
from eventstore.event import Fact
from eventstore.statements import statement
from eventstore.store import LedgerReader, open_ledger, read_head

FORMAT = "jurnalsync-history-1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PAGE_FACTS = 2_000
_COPY_FACTS = 5_000
_MOVE_HEAD = statement(__package__, "move_head")
_COLUMNS = (
    "store_id", "position", "stream_id", "stream_version", "type", "schema_version", "source_id",
    "observed_at", "recorded_at", "body", "sealed", "metadata", "hash",
)  # fmt: skip


class HistoryError(LedgerError):
    """A history cannot be written or read; the text says where and what to do. Nothing of the batch was written."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One fact as a history holds it."""

    position: int
    stream_id: str
    stream_version: int
    type: str
    schema_version: int
    source_id: str
    observed_at: int
    recorded_at: int
    body: str
    sealed: str
    metadata: str
    hash: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a history. `hash_before` is the chain's hash in front of `first`, `hash_after` that of `last`."""

    format: str
    store_id: str
    first: int
    last: int
    hash_before: str
    hash_after: str
    sha256: str


class Imported(msgspec.Struct, frozen=True):
    """Facts written now, and facts that were there already."""

    written: int
    known: int


_LINE = msgspec.json.Decoder(Line)
_ENCODER = msgspec.json.Encoder()


def manifest_path(path: Path) -> Path:
    """Return where the manifest of the history at `path` stands."""
    return path.with_suffix(path.suffix + ".manifest.json")


async def export_history(
    reader: LedgerReader,
    store_id: str,
    path: Path,
    *,
    first: int = 1,
    last: int | None = None,
    on_progress: Callable[[int, int], None] = lambda _position, _end: None,
) -> Manifest:
    """Write positions `first` to `last` (None: the head) to `path`, its manifest beside it. Raises `HistoryError`."""
    head = await reader.head(store_id)
    end = head.position if last is None else last
    if not 1 <= first <= end <= head.position:
        raise HistoryError(f"positions {first} to {end} are not all in the ledger, which holds 1 to {head.position}")
    hash_before = GENESIS
    if first > 1:
        before = await reader.read_one(store_id, first - 1)
        assert before is not None
        hash_before = before.hash
    digest, hash_after = hashlib.sha256(), hash_before
    with path.open("xb") as file:
        async for page in _pages(reader, store_id, first - 1, end):
            lines = b"".join(_ENCODER.encode(_line(fact)) + b"\n" for fact in page)
            digest.update(lines)
            file.write(lines)
            hash_after = page[-1].hash
            on_progress(page[-1].position, end)
    manifest = Manifest(
        format=FORMAT,
        store_id=store_id,
        first=first,
        last=end,
        hash_before=hash_before.hex(),
        hash_after=hash_after.hex(),
        sha256=digest.hexdigest(),
    )
    manifest_path(path).write_bytes(msgspec.json.format(_ENCODER.encode(manifest), indent=2) + b"\n")
    return manifest


async def import_history(
    pool: Pool,
    path: Path,
    *,
    on_progress: Callable[[int, int], None] = lambda _position, _end: None,
) -> Imported:
    """Read a history into its ledger with COPY, keeping positions and hashes; every hash is recomputed first.

    What the ledger holds already is compared and passed over, so an import that broke off goes on where it was.
    Raises `HistoryError` for a file that was altered or whose chain does not continue the ledger.
    """
    manifest = _read_manifest(path)
    _check_file(path, manifest)
    await open_ledger(pool, manifest.store_id, recorded_at=_EPOCH)
    known = 0
    written = 0
    previous, position = bytes.fromhex(manifest.hash_before), manifest.first
    with path.open("rb") as file:
        for batch in _batches(file):
            facts: list[Fact] = []
            before = previous
            for line in batch:
                fact = _fact(manifest.store_id, line)
                if fact.position != position:
                    raise HistoryError(f"position {position} is missing; the next line holds {fact.position}")
                position += 1
                if recompute_hash(previous, fact) != fact.hash:
                    raise HistoryError(f"position {fact.position}: contents and hash do not belong together")
                previous = fact.hash
                facts.append(fact)
            new = await _write(pool, manifest.store_id, before, facts)
            written += new
            known += len(facts) - new
            on_progress(facts[-1].position, manifest.last)
    return Imported(written, known)


async def _write(pool: Pool, store_id: str, before: bytes, facts: list[Fact]) -> int:
    """Write what the ledger lacks of `facts`, which stand behind the hash `before`; returns how many that were."""
    async with pool.acquire() as connection, connection.transaction():
        head = await read_head(connection, store_id)
        if head.position >= facts[-1].position:
            await _compare(connection, store_id, facts[-1])
            return 0
        if head.position >= facts[0].position:
            await _compare(connection, store_id, facts[head.position - facts[0].position])
            facts = facts[head.position - facts[0].position + 1 :]
        elif head.position != facts[0].position - 1 or head.hash != before:
            raise HistoryError(
                f"the ledger of {store_id!r} ends at {head.position} with hash {head.hash.hex()}; this history "
                f"continues one that ends at {facts[0].position - 1} with {before.hex()}"
            )
        await connection.copy_records_to_table(
            "facts", records=[msgspec.structs.astuple(fact) for fact in facts], columns=_COLUMNS
        )
        last = facts[-1]
        moved = await connection.execute(
            _MOVE_HEAD, store_id, head.position, head.hash, last.position, last.hash, last.recorded_at
        )
        if moved != "UPDATE 1":
            raise HistoryError(f"somebody else appends to {store_id!r}; stop the service, then import again")
        return len(facts)


async def _compare(connection: Connection, store_id: str, fact: Fact) -> None:
    known = await connection.fetchval(statement(__package__, "read_hash"), store_id, fact.position)
    if known != fact.hash:
        raise HistoryError(f"the ledger of {store_id!r} holds another fact at position {fact.position}")


async def _pages(reader: LedgerReader, store_id: str, after: int, end: int) -> AsyncIterator[list[Fact]]:
    while after < end:
        page = await reader.read_after(store_id, after, min(_PAGE_FACTS, end - after))
        if not page:
            raise HistoryError(f"the ledger of {store_id!r} ends at {after}, before {end}")
        yield page
        after = page[-1].position


def _batches(file: BinaryIO) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for text in file:
        batch.append(_LINE.decode(text))
        if len(batch) == _COPY_FACTS:
            yield batch
            batch = []
    if batch:
        yield batch


def _read_manifest(path: Path) -> Manifest:
    beside = manifest_path(path)
    try:
        manifest = msgspec.json.decode(beside.read_bytes(), type=Manifest)
    except OSError as error:
        raise HistoryError(f"cannot read the manifest {beside}: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise HistoryError(f"{beside} is no manifest: {error}") from error
    if manifest.format != FORMAT:
        raise HistoryError(f"{beside} has format {manifest.format!r}; this release reads {FORMAT!r}")
    return manifest


def _check_file(path: Path, manifest: Manifest) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise HistoryError(f"cannot read {path}: {error.strerror}") from error
    if found != manifest.sha256:
        raise HistoryError(f"{path} is not the file its manifest speaks of: SHA-256 is {found}, not {manifest.sha256}")


def _line(fact: Fact) -> Line:
    return Line(
        position=fact.position,
        stream_id=fact.stream_id,
        stream_version=fact.stream_version,
        type=fact.type,
        schema_version=fact.schema_version,
        source_id=fact.source_id,
        observed_at=microseconds(fact.observed_at),
        recorded_at=microseconds(fact.recorded_at),
        body=b64encode(fact.body).decode(),
        sealed=b64encode(fact.sealed).decode(),
        metadata=b64encode(fact.metadata).decode(),
        hash=fact.hash.hex(),
    )


def _fact(store_id: str, line: Line) -> Fact:
    return Fact(
        store_id=store_id,
        position=line.position,
        stream_id=line.stream_id,
        stream_version=line.stream_version,
        type=line.type,
        schema_version=line.schema_version,
        source_id=line.source_id,
        observed_at=_EPOCH + timedelta(microseconds=line.observed_at),
        recorded_at=_EPOCH + timedelta(microseconds=line.recorded_at),
        body=b64decode(line.body),
        sealed=b64decode(line.sealed),
        metadata=b64decode(line.metadata),
        hash=bytes.fromhex(line.hash),
    )
