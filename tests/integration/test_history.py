"""Histories: what is exported is what was appended, and only what continues a ledger is imported."""

import hashlib
from pathlib import Path

import asyncpg
import msgspec
import pytest

from eventstore.appender import Appender
from eventstore.clock import SystemClock
from eventstore.connection import Pool, open_pool
from eventstore.event import NewFact
from eventstore.history import HistoryError, export_history, import_history, manifest_path
from eventstore.store import LedgerReader, open_ledger
from eventstore.verify import Whole, verify_ledger

STORE = "kopi-lama"


def fact(number: int) -> NewFact:
    """Return one of a row of facts over seven streams."""
    return NewFact(
        stream_id=f"order-{number % 7}",
        type="OrderReported",
        schema_version=1,
        source_id=f"order:{number}",
        observed_at=SystemClock().now(),
        body=b'{"order_id":"%d"}' % number,
        sealed=bytes([number % 256]),
        metadata=b'{"channel":"poll"}',
    )


async def filled(url: str, facts: int) -> Pool:
    """Return a pool on a ledger that holds so many facts."""
    pool = await open_pool(url, role="jurnalsync_service", connections_max=3)
    clock = SystemClock()
    await open_ledger(pool, STORE, recorded_at=clock.now())
    await Appender(pool, clock).append(STORE, [fact(number) for number in range(facts)])
    return pool


async def empty(url: str) -> Pool:
    """Return a pool on a database without that ledger."""
    return await open_pool(url, role="jurnalsync_service", connections_max=3)


async def test_an_exported_ledger_is_imported_with_positions_and_hashes(
    database_url: str, second_database_url: str, tmp_path: Path
) -> None:
    """The copy verifies, ends at the same hash, and takes further appends as if it were the original."""
    source, copy = await filled(database_url, 250), await empty(second_database_url)
    manifest = await export_history(LedgerReader(source), STORE, tmp_path / "history.jsonl")
    imported = await import_history(copy, tmp_path / "history.jsonl")
    assert (manifest.last, imported.written, imported.known) == (250, 250, 0)
    original, copied = LedgerReader(source), LedgerReader(copy)
    assert await copied.read_after(STORE, 0, 1_000) == await original.read_after(STORE, 0, 1_000)
    assert await verify_ledger(copied, STORE) == Whole(250, bytes.fromhex(manifest.hash_after))
    (result,) = await Appender(copy, SystemClock()).append(STORE, [fact(250)])
    assert result.position == 251  # type: ignore[union-attr]  # a conflict has no position and would fail here
    await source.close()
    await copy.close()


async def test_an_import_that_broke_off_goes_on_and_writes_nothing_twice(
    database_url: str, second_database_url: str, tmp_path: Path
) -> None:
    """Facts that are there already are compared and passed over, in the middle of a batch too."""
    source, copy = await filled(database_url, 120), await empty(second_database_url)
    reader = LedgerReader(source)
    await export_history(reader, STORE, tmp_path / "first.jsonl", last=70)
    await export_history(reader, STORE, tmp_path / "all.jsonl")
    await import_history(copy, tmp_path / "first.jsonl")
    again = await import_history(copy, tmp_path / "all.jsonl")
    assert (again.written, again.known) == (50, 70)
    third = await import_history(copy, tmp_path / "all.jsonl")
    assert (third.written, third.known) == (0, 120)
    await source.close()
    await copy.close()


async def test_a_range_continues_a_ledger_that_ends_in_front_of_it(
    database_url: str, second_database_url: str, tmp_path: Path
) -> None:
    """Archived ranges can be read back one after the other; out of order they are refused."""
    source, copy = await filled(database_url, 60), await empty(second_database_url)
    reader = LedgerReader(source)
    await export_history(reader, STORE, tmp_path / "a.jsonl", last=20)
    await export_history(reader, STORE, tmp_path / "b.jsonl", first=21)
    with pytest.raises(HistoryError, match="continues one that ends at 20"):
        await import_history(copy, tmp_path / "b.jsonl")
    await import_history(copy, tmp_path / "a.jsonl")
    assert (await import_history(copy, tmp_path / "b.jsonl")).written == 40
    await source.close()
    await copy.close()


@pytest.mark.parametrize("resealed", [False, True], ids=["file altered", "file altered and its manifest too"])
async def test_an_altered_history_is_refused(
    database_url: str, second_database_url: str, tmp_path: Path, *, resealed: bool
) -> None:
    """The manifest's digest catches a changed file; the chain catches a file whose manifest was changed with it."""
    source, copy = await filled(database_url, 10), await empty(second_database_url)
    path = tmp_path / "history.jsonl"
    manifest = await export_history(LedgerReader(source), STORE, path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"OrderReported", b"OrderReportee")
    path.write_bytes(b"".join(lines))
    if resealed:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        manifest_path(path).write_bytes(msgspec.json.encode(msgspec.structs.replace(manifest, sha256=digest)))
    with pytest.raises(HistoryError, match="do not belong together" if resealed else "is not the file"):
        await import_history(copy, path)
    await source.close()
    await copy.close()


async def test_a_history_of_another_past_is_refused(
    database_url: str, second_database_url: str, tmp_path: Path
) -> None:
    """Two ledgers of one store that differ in one fact cannot be merged."""
    source, other = await filled(database_url, 10), await filled(second_database_url, 9)
    await export_history(LedgerReader(source), STORE, tmp_path / "history.jsonl")
    with pytest.raises(HistoryError, match="holds another fact at position 9"):
        await import_history(other, tmp_path / "history.jsonl")
    await source.close()
    await other.close()


async def test_a_range_verifies_against_the_hash_in_front_of_it(database_url: str) -> None:
    """A part of the ledger can be verified alone, and a fact changed behind its back is found with its position."""
    pool = await filled(database_url, 50)
    reader = LedgerReader(pool)
    head = await reader.head(STORE)
    assert await verify_ledger(reader, STORE, first=20) == Whole(31, head.hash)
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE facts DISABLE TRIGGER USER")
    await owner.execute("UPDATE facts SET type = 'Forged' WHERE position = 30")
    broken = await verify_ledger(reader, STORE, first=20, last=40)
    assert getattr(broken, "position", None) == 30
    assert isinstance(await verify_ledger(reader, STORE, first=31), Whole)
    await owner.close()
    await pool.close()
