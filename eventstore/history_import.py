"""Reads a history into its ledger with COPY, keeping positions and hashes, several blocks on the wire at once.

Each block is a transaction: its facts, then the move of the head over them. The moves wait for each other in the order
of positions, so whatever breaks, facts never stand behind the head, and the next import goes on where this one was.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec

from eventstore.connection import Pool
from eventstore.errors import HistoryError
from eventstore.event import Fact, Head
from eventstore.history import Manifest, check_digest, read_manifest, verified_facts
from eventstore.in_order import in_order
from eventstore.statements import statement
from eventstore.store import LedgerReader, open_ledger

_BLOCKS_AT_ONCE = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOVE_HEAD = statement(__package__, "move_head")
_SET_PATIENCE = statement(__package__, "set_lock_patience")
_SET_UNFLUSHED = statement(__package__, "set_commit_unflushed")
_ARCHIVED_AGAIN = statement(__package__, "archived_again")
_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Fact))


class Imported(msgspec.Struct, frozen=True):
    """Facts written now, and facts that were there already."""

    written: int
    known: int


async def import_history(
    pool: Pool,
    path: Path,
    *,
    archive_folder: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda _position, _end: None,
) -> Imported:
    """Read a history into its ledger; every hash is recomputed before its block is written.

    What the ledger holds already is compared and passed over, so an import that broke off goes on where it was;
    `archive_folder` holds what of it was archived. Raises `HistoryError` for a file that was altered or whose chain
    does not continue the ledger.
    """
    manifest = read_manifest(path)
    check_digest(path, manifest.sha256)
    await open_ledger(pool, manifest.store_id, recorded_at=_EPOCH)
    reader = LedgerReader(pool, archive_folder)
    head = await reader.head(manifest.store_id)
    await _refuse_another_past(reader, manifest, head)
    written = 0
    async with aclosing(in_order(_writes(pool, path, manifest, head), at_once=_BLOCKS_AT_ONCE)) as blocks:
        async for end in blocks:
            written += end.facts
            on_progress(end.position, manifest.last)
    return Imported(written, manifest.last - manifest.first + 1 - written)


class _Written(msgspec.Struct, frozen=True):
    """How many facts of a block were written, and the position it reached."""

    facts: int
    position: int


async def _refuse_another_past(reader: LedgerReader, manifest: Manifest, head: Head) -> None:
    if head.position < manifest.first - 1 or (
        head.position == manifest.first - 1 and head.hash.hex() != manifest.hash_before
    ):
        raise HistoryError(
            f"the ledger of {manifest.store_id!r} ends at {head.position} with hash {head.hash.hex()}; this history "
            f"continues one that ends at {manifest.first - 1} with {manifest.hash_before}"
        )
    if head.position > manifest.last:
        known = await reader.read_hash(manifest.store_id, manifest.last)
        if known is None or known.hex() != manifest.hash_after:
            raise HistoryError(f"the ledger of {manifest.store_id!r} holds another fact at position {manifest.last}")


def _writes(pool: Pool, path: Path, manifest: Manifest, head: Head) -> Iterator[Coroutine[None, None, _Written]]:
    """Yield what writes each block, once its hashes are recomputed; each but the first waits for the one before."""
    before: asyncio.Event | None = None
    for facts in verified_facts(path, manifest):
        start = facts[0].position - 1
        known = min(max(head.position - start, 0), len(facts))
        if known and start + known == head.position and facts[known - 1].hash != head.hash:
            raise HistoryError(f"the ledger of {manifest.store_id!r} holds another fact at position {head.position}")
        if known == len(facts):
            yield _passed_over(facts[-1].position)
            continue
        after = asyncio.Event()
        last = facts[-1].position == manifest.last
        yield _write(pool, head, facts[known:], before, after, last=last)
        head, before = Head(facts[-1].position, facts[-1].hash, facts[-1].recorded_at), after


async def _passed_over(position: int) -> _Written:
    return _Written(0, position)


async def _write(
    pool: Pool,
    head: Head,
    facts: list[Fact],
    before: asyncio.Event | None,
    after: asyncio.Event,
    *,
    last: bool,
) -> _Written:
    store_id, end = facts[0].store_id, facts[-1]
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_SET_PATIENCE)
            if not last:
                # The last block's commit flushes all before it; a crash until then takes facts and head back together.
                await connection.execute(_SET_UNFLUSHED)
            await connection.copy_records_to_table(
                "facts", records=map(msgspec.structs.astuple, facts), columns=_COLUMNS
            )
            again = await connection.fetchval(_ARCHIVED_AGAIN, store_id, facts[0].position, end.position)
            if again is not None:
                raise HistoryError(f"position {again}: a source id or a stream's version that was archived comes again")
            if before is not None:
                await before.wait()
            moved = await connection.execute(
                _MOVE_HEAD, store_id, head.position, head.hash, end.position, end.hash, end.recorded_at
            )
            if moved != "UPDATE 1":
                raise HistoryError(f"somebody else appends to {store_id!r}; stop the service, then import again")
    except asyncpg.UniqueViolationError as error:
        raise HistoryError(
            f"positions {facts[0].position} to {end.position}: {error.detail or error}; a source id or a stream's "
            f"version that is in the ledger already comes again"
        ) from error
    except asyncpg.LockNotAvailableError as error:
        raise HistoryError(
            f"positions {facts[0].position} to {end.position} wait for somebody else: stop the service, then import "
            f"again; if it stands alone, the history holds a source id or a stream's version twice"
        ) from error
    after.set()
    return _Written(len(facts), end.position)
