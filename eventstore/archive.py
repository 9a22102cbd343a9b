"""Moves a closed range of a ledger out of the table into a file, for good; only the schema's owner can.

The steps, each safe to break off (the next run finishes what this one recorded):

1. write the range as a history, read it back, recompute every hash;
2. record the archive: from now on its facts may leave the table, once
3. their keys stand in `archived_fact`, so that they stay unique and a report of them answers their position, and
4. the head says so: an append that was decided before, and may not see the keys, misses the head and is decided again;
5. remove the facts, oldest first, so that what is left is always the ledger's end.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import asyncpg

from eventstore.archive_files import Archive
from eventstore.connection import Pool
from eventstore.errors import HistoryError
from eventstore.history import Manifest, check_digest, read_manifest, verified_facts
from eventstore.history_export import export_history
from eventstore.statements import statement
from eventstore.store import LedgerReader

_BATCH_FACTS = 5_000
# About a gigabyte: small enough to be read again whole before it is trusted.
_FILE_FACTS_MAX = 1_000_000
_RECORD = statement(__package__, "record_archive")
_KEEP_KEYS = statement(__package__, "keep_archived_keys")
_REMOVE = statement(__package__, "remove_archived_facts")
_ANALYZE_KEYS = statement(__package__, "analyze_archived_keys")
_MOVE_ARCHIVED = statement(__package__, "move_archived")

Progress = Callable[[int, int], None]


async def archive_before(
    pool: Pool,
    store_id: str,
    before: datetime,
    folder: Path,
    *,
    file_facts_max: int = _FILE_FACTS_MAX,
    on_progress: Progress = lambda _position, _end: None,
) -> list[Archive]:
    """Archive what was recorded before `before` and is not archived yet into files in `folder`; return what was done.

    `pool` logs in as the schema's owner. An archive that an earlier run left unfinished is finished first.
    Raises `HistoryError`, `LedgerNotFound`.
    """
    reader = LedgerReader(pool, folder)
    try:
        finished = await _finish_earlier(pool, reader, store_id, on_progress)
        archives = await reader.archives(store_id)
        first = archives[-1].last + 1 if archives else 1
        last = await reader.position_at(store_id, before)
        for start in range(first, last + 1, file_facts_max):
            end = min(start + file_facts_max - 1, last)
            archive = await _write(reader, store_id, start, end, folder, on_progress)
            await _record(pool, archive)
            await _move(pool, archive, on_progress)
            finished.append(archive)
    except asyncpg.InsufficientPrivilegeError as error:
        raise HistoryError("archiving needs the login that owns the schema, as migrating does") from error
    return finished


async def _finish_earlier(pool: Pool, reader: LedgerReader, store_id: str, on_progress: Progress) -> list[Archive]:
    start = await reader.first_position(store_id)
    unfinished = [archive for archive in await reader.archives(store_id) if start is not None and archive.last >= start]
    for archive in unfinished:
        # The facts leave the table on the strength of this file: it must still be there, and whole.
        await reader.verify_archive(archive)
        await _move(pool, archive, on_progress)
    return unfinished


async def _write(
    reader: LedgerReader, store_id: str, first: int, last: int, folder: Path, on_progress: Progress
) -> Archive:
    """Write the range to a file, read it back, and return what to record of it."""
    path = folder / f"{store_id}-{first:012d}-{last:012d}.jsonl"
    try:
        manifest = await export_history(reader, store_id, path, first=first, last=last, on_progress=on_progress)
    except FileExistsError:
        # A run that broke off before it recorded the archive left it, or it is another ledger's.
        manifest = await asyncio.to_thread(_left_behind, path, store_id, first, last)
        if manifest.hash_after != ((await reader.read_hash(store_id, last)) or b"").hex():
            raise HistoryError(f"{path} is there already and holds another ledger; choose another folder") from None
    await asyncio.to_thread(_read_back, path, manifest)
    return Archive(
        store_id=store_id,
        first=first,
        last=last,
        hash_before=bytes.fromhex(manifest.hash_before),
        hash_after=bytes.fromhex(manifest.hash_after),
        sha256=bytes.fromhex(manifest.sha256),
        file_name=path.name,
    )


def _left_behind(path: Path, store_id: str, first: int, last: int) -> Manifest:
    try:
        manifest = read_manifest(path)
        if (manifest.store_id, manifest.first, manifest.last) == (store_id, first, last):
            return manifest
    except HistoryError as error:
        raise HistoryError(f"{path} is there already and unfinished; remove it, then run this again") from error
    raise HistoryError(f"{path} is there already and holds another ledger; choose another folder")


def _read_back(path: Path, manifest: Manifest) -> None:
    check_digest(path, manifest.sha256)
    for _ in verified_facts(path, manifest):
        pass


async def _record(pool: Pool, archive: Archive) -> None:
    await pool.execute(
        _RECORD,
        archive.store_id,
        archive.first,
        archive.last,
        archive.hash_before,
        archive.hash_after,
        archive.sha256,
        archive.file_name,
    )


async def _move(pool: Pool, archive: Archive, on_progress: Progress) -> None:
    batches = [
        (start, min(start + _BATCH_FACTS - 1, archive.last))
        for start in range(archive.first, archive.last + 1, _BATCH_FACTS)
    ]
    for start, end in batches:
        await pool.execute(_KEEP_KEYS, archive.store_id, start, end)
    # What is looked up among the keys from now on must be planned for so many of them.
    await pool.execute(_ANALYZE_KEYS)
    await pool.execute(_MOVE_ARCHIVED, archive.store_id, archive.last)
    for start, end in batches:
        await pool.execute(_REMOVE, archive.store_id, start, end)
        on_progress(end, archive.last)
