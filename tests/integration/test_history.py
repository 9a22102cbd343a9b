"""Histories: what is exported is what was appended, and only what continues a ledger is imported."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from eventstore.appender import Appender
from eventstore.chain import GENESIS, recompute_hash
from eventstore.clock import ManualClock, SystemClock
from eventstore.connection import CONNECTION_ERRORS, Pool, open_pool
from eventstore.errors import HistoryError
from eventstore.event import NewFact
from eventstore.history import encode_facts, manifest_path, write_manifest
from eventstore.history_export import export_history, positions_between
from eventstore.history_import import import_history
from eventstore.store import LedgerReader, open_ledger
from eventstore.verify import Whole, verify_ledger
from tests.integration.odd_facts import odd_facts
from tests.ledger import NOON

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


def files_in(folder: Path) -> list[Path]:
    """Return what stands in a folder."""
    return list(folder.iterdir())


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


async def test_odd_facts_come_back_exactly(database_url: str, second_database_url: str, tmp_path: Path) -> None:
    """Empty, large and multibyte parts, and the first and last times, are written and read byte for byte."""
    source, copy = await filled(database_url, 1), await empty(second_database_url)
    await Appender(source, SystemClock()).append(STORE, odd_facts())
    await export_history(LedgerReader(source), STORE, tmp_path / "history.jsonl")
    await import_history(copy, tmp_path / "history.jsonl")
    assert await LedgerReader(copy).read_after(STORE, 0, 100) == await LedgerReader(source).read_after(STORE, 0, 100)
    await source.close()
    await copy.close()


async def test_the_head_moves_over_whole_blocks_in_their_order(
    database_url: str, second_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several blocks are on the wire at once; a reader beside sees no fact behind the head at any time."""
    monkeypatch.setattr("eventstore.history._BLOCK_BYTES", 4_000)
    source, copy = await filled(database_url, 400), await empty(second_database_url)
    await export_history(LedgerReader(source), STORE, tmp_path / "history.jsonl")
    seen: list[int] = []
    beside = await asyncpg.connect(second_database_url)

    async def watch() -> None:
        while True:
            row = await beside.fetchrow(
                "SELECT coalesce(max(h.position), 0) AS head, count(f.*) AS facts, max(f.position) AS last"
                " FROM ledger_head h LEFT JOIN facts f ON f.store_id = h.store_id"
            )
            assert row is not None
            assert row["facts"] == row["head"] == (row["last"] or 0)
            seen.append(row["head"])

    watching = asyncio.create_task(watch())
    told: list[int] = []
    await import_history(copy, tmp_path / "history.jsonl", on_progress=lambda position, _end: told.append(position))
    watching.cancel()
    assert told == sorted(told)
    assert (told[-1], len(told)) == (400, len(set(told)))
    assert len(told) > 10
    assert isinstance(await asyncio.gather(watching, return_exceptions=True), list)
    assert watching.cancelled(), "what it saw was right until it was told to stop"
    assert sorted(seen) == seen
    await beside.close()
    await source.close()
    await copy.close()


async def test_an_import_that_is_killed_leaves_a_whole_ledger_and_goes_on(
    database_url: str, second_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections are ended in the middle: what was committed is a beginning of the history, nothing more."""
    monkeypatch.setattr("eventstore.history._BLOCK_BYTES", 4_000)
    source, copy = await filled(database_url, 400), await empty(second_database_url)
    await export_history(LedgerReader(source), STORE, tmp_path / "history.jsonl")
    killer = await asyncpg.connect(second_database_url)
    stop = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    killed = asyncio.Event()
    kills: list[asyncio.Task[object]] = []

    def on_progress(position: int, _end: int) -> None:
        if position > 100 and not killed.is_set():
            killed.set()
            kills.append(asyncio.create_task(killer.execute(stop)))

    with pytest.raises(CONNECTION_ERRORS):
        await import_history(copy, tmp_path / "history.jsonl", on_progress=on_progress)
    await asyncio.gather(*kills)
    again = await empty(second_database_url)
    reader = LedgerReader(again)
    begun = await verify_ledger(reader, STORE)
    assert isinstance(begun, Whole)
    assert 100 < begun.facts < 400
    imported = await import_history(again, tmp_path / "history.jsonl")
    assert (imported.written, imported.known) == (400 - begun.facts, begun.facts)
    assert isinstance(await verify_ledger(reader, STORE), Whole)
    copy.terminate()
    await killer.close()
    await again.close()
    await source.close()


async def test_a_history_that_tells_a_source_twice_is_refused_with_its_place(
    database_url: str, second_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chain that somebody made up can be whole; what the ledger holds is unique all the same."""
    monkeypatch.setattr("eventstore.history._BLOCK_BYTES", 1)
    source, copy = await filled(database_url, 8), await empty(second_database_url)
    path = tmp_path / "history.jsonl"
    manifest = await export_history(LedgerReader(source), STORE, path)
    facts = await LedgerReader(source).read_after(STORE, 0, 10)
    facts[5] = msgspec.structs.replace(facts[5], source_id=facts[2].source_id)
    previous = GENESIS
    for number, each in enumerate(facts):
        previous = recompute_hash(previous, each)
        facts[number] = msgspec.structs.replace(each, hash=previous)
    path.write_bytes(encode_facts(facts))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    write_manifest(path, msgspec.structs.replace(manifest, sha256=digest, hash_after=previous.hex()))
    with pytest.raises(HistoryError, match=r"positions 6 to 6: .* comes again"):
        await import_history(copy, path)
    assert isinstance(await verify_ledger(LedgerReader(copy), STORE), Whole)
    await source.close()
    await copy.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-1], "ends at 9 with hash"),
        (lambda lines: lines[:3] + lines[4:], "position 4 is missing; the next line holds 5"),
        (lambda lines: [*lines[:3], b"no fact\n", *lines[4:]], "cannot be read"),
        (lambda lines: [line.replace(STORE.encode(), b"teh-tawar") for line in lines], "must be of store"),
        (lambda lines: [line.replace(b'Z","', b'","') for line in lines], "must name their zone"),
    ],
    ids=["cut off", "a line removed", "no JSON", "another store", "no time zone"],
)
async def test_a_history_that_is_not_what_its_manifest_says_is_refused(
    database_url: str, second_database_url: str, tmp_path: Path, change: Any, said: str
) -> None:
    """Whatever the digest says: in one sentence, and the ledger stays a beginning of the history."""
    source, copy = await filled(database_url, 10), await empty(second_database_url)
    path = tmp_path / "history.jsonl"
    manifest = await export_history(LedgerReader(source), STORE, path)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    write_manifest(path, msgspec.structs.replace(manifest, sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    with pytest.raises(HistoryError, match=said):
        await import_history(copy, path)
    assert isinstance(await verify_ledger(LedgerReader(copy), STORE), Whole)
    await source.close()
    await copy.close()


async def test_what_was_recorded_in_a_time_is_found_by_its_time(database_url: str) -> None:
    """From the first moment on, up to but not with the second; facts of one moment stay together."""
    pool = await empty(database_url)
    clock = ManualClock(NOON)
    await open_ledger(pool, STORE, recorded_at=NOON)
    appender, reader = Appender(pool, clock), LedgerReader(pool)
    for day in range(5):
        await appender.append(STORE, [fact(10 * day + number) for number in range(3)])
        clock.advance(timedelta(days=1))
    found = [await reader.position_at(STORE, NOON + timedelta(days=day)) for day in (-1, 0, 1, 2.5, 4, 9)]
    assert found == [0, 0, 3, 9, 12, 15]
    days = (NOON + timedelta(days=1), NOON + timedelta(days=3))
    assert await positions_between(reader, STORE, *days) == (4, 9)
    assert await positions_between(reader, STORE, None, days[0]) == (1, 3)
    assert await positions_between(reader, STORE, days[1], None) == (10, 15)
    first, last = await positions_between(reader, STORE, NOON + timedelta(days=9), None)
    assert first > last
    await pool.close()


async def test_an_export_that_breaks_off_leaves_no_file(database_url: str, tmp_path: Path) -> None:
    """Nobody takes a half for a history, and the next export is not in its own way."""
    pool = await filled(database_url, 5_000)

    def stop(position: int, _end: int) -> None:
        raise ConnectionResetError(position)

    with pytest.raises(ConnectionResetError):
        await export_history(LedgerReader(pool), STORE, tmp_path / "history.jsonl", on_progress=stop)
    assert files_in(tmp_path) == []
    await export_history(LedgerReader(pool), STORE, tmp_path / "history.jsonl")
    with pytest.raises(FileExistsError):
        await export_history(LedgerReader(pool), STORE, tmp_path / "history.jsonl")
    await pool.close()


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
