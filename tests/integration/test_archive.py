"""Archives: old facts leave the table for files, and nothing else changes: unique, readable, verified, folded."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from eventstore.appender import Appender
from eventstore.archive import archive_before
from eventstore.archive_files import Archive
from eventstore.clock import ManualClock
from eventstore.connection import CONNECTION_ERRORS, Connection, Pool, open_pool
from eventstore.errors import HistoryError
from eventstore.event import Appended, Duplicate, Fact
from eventstore.history_export import export_history
from eventstore.history_import import import_history
from eventstore.store import LedgerReader
from eventstore.verify import Broken, Whole, verify_ledger
from tests.integration.command_line import environment, jurnalsync
from tests.integration.test_verifier import verify as verify_files
from tests.ledger import NOON, OTHER_STORE, STORE, member, service_pool

__all__ = ["environment"]  # the fixture
DAYS = 6
FACTS_A_DAY = 5
FACTS = DAYS * FACTS_A_DAY
THIRD_DAY = NOON + timedelta(days=3)
ARCHIVED = 3 * FACTS_A_DAY


class Ledger:
    """Six days of five facts over four streams, and both logins: the service's role and the schema's owner."""

    def __init__(self, service: Pool, owner: Pool, folder: Path) -> None:
        self.service = service
        self.owner = owner
        self.folder = folder
        self.clock = ManualClock(NOON)
        self.appender = Appender(service, self.clock)
        self.reader = LedgerReader(service, folder)
        self.facts: list[Fact] = []

    async def fill(self) -> None:
        """Append day by day."""
        for day in range(DAYS):
            numbers = range(day * FACTS_A_DAY, (day + 1) * FACTS_A_DAY)
            await self.appender.append(STORE, [member(number, stream=f"customer-{number % 4}") for number in numbers])
            self.clock.advance(timedelta(days=1))
        self.facts = await self.reader.read_after(STORE, 0, FACTS)
        await self.appender.append(OTHER_STORE, [member(1)])

    async def archive(self, *, file_facts_max: int = 1_000) -> list[Archive]:
        """Archive the first three days."""
        return await archive_before(self.owner, STORE, THIRD_DAY, self.folder, file_facts_max=file_facts_max)

    async def in_table(self) -> list[int]:
        """Return the positions that stand in the table."""
        rows = await self.service.fetch("SELECT position FROM facts WHERE store_id = $1 ORDER BY position", STORE)
        return [row["position"] for row in rows]


@pytest.fixture
async def ledger(database_url: str, tmp_path: Path) -> AsyncIterator[Ledger]:
    """Give a filled ledger."""
    owner = await open_pool(database_url, role=None, connections_max=2)
    async with service_pool(database_url) as service:
        made = Ledger(service, owner, tmp_path)
        await made.fill()
        yield made
    owner.terminate()


@pytest.mark.parametrize("file_facts_max", [1_000, 4], ids=["one file", "four files"])
async def test_an_archived_ledger_reads_as_before(ledger: Ledger, file_facts_max: int) -> None:
    """Pages from anywhere, single facts, hashes, streams from both ends, and by time: the same as from the table."""
    archives = await ledger.archive(file_facts_max=file_facts_max)
    assert [archive.last for archive in archives] == ([15] if file_facts_max > 4 else [4, 8, 12, 15])
    assert await ledger.in_table() == list(range(ARCHIVED + 1, FACTS + 1))
    reader, facts = ledger.reader, ledger.facts
    for position in range(FACTS):
        for page in (1, 3, 100):
            assert await reader.read_after(STORE, position, page) == facts[position : position + page]
        assert await reader.read_one(STORE, position + 1) == facts[position]
        assert await reader.read_hash(STORE, position + 1) == facts[position].hash
    assert await reader.read_after(STORE, FACTS, 100) == []
    assert await reader.read_one(STORE, FACTS + 1) is None
    for stream_id in {fact.stream_id for fact in facts}:
        stream = [fact for fact in facts if fact.stream_id == stream_id]
        for after in range(len(stream) + 1):
            for limit in (1, 3, 100):
                read = await reader.read_stream(STORE, stream_id, after_version=after, facts_max=limit)
                assert read == stream[after:][:limit]
        for limit in range(1, 10):
            assert await reader.read_stream_end(STORE, stream_id, facts_max=limit) == stream[::-1][:limit]
        between = [fact for fact in stream if 3 <= fact.position < 20]
        assert await reader.read_stream_between(STORE, stream_id, 3, 20) == between
    assert await reader.read_stream(STORE, "customer-new") == []
    assert await reader.position_at(STORE, NOON + timedelta(days=2)) == 2 * FACTS_A_DAY


async def test_a_report_of_an_archived_fact_answers_its_position(ledger: Ledger) -> None:
    """By an appender that remembers, by a new one, and among new facts: never stored a second time."""
    await ledger.archive()
    for appender in (ledger.appender, Appender(ledger.service, ledger.clock)):
        again = await appender.append(STORE, [member(number, stream=f"customer-{number % 4}") for number in range(20)])
        assert again == [Duplicate(fact.position, fact.stream_version) for fact in ledger.facts[:20]]
    fresh = Appender(ledger.service, ledger.clock)
    await fresh.append(STORE, [member(100)])  # it knows the head now, and appends the fast way
    mixed = await fresh.append(STORE, [member(101), member(3, stream="customer-elsewhere"), member(102)])
    assert mixed == [Appended(FACTS + 2, 1), Duplicate(4, 1), Appended(FACTS + 3, 1)]
    assert await ledger.in_table() == list(range(ARCHIVED + 1, FACTS + 4))


async def test_a_stream_whose_facts_are_all_archived_goes_on_with_its_version(ledger: Ledger) -> None:
    """The fast way guesses that an unknown stream is new: the archived keys say otherwise."""
    await ledger.appender.append(STORE, [member(200, stream="customer-late")])
    everything = ledger.clock.now() + timedelta(seconds=1)
    await archive_before(ledger.owner, STORE, everything, ledger.folder)
    assert await ledger.in_table() == []
    fresh = Appender(ledger.service, ledger.clock)
    await fresh.append(STORE, [member(201)])
    assert await fresh.append(STORE, [member(202, stream="customer-late")]) == [Appended(FACTS + 3, 2)]
    assert await verify_ledger(ledger.reader, STORE) == Whole(FACTS + 3, (await ledger.reader.head(STORE)).hash)


async def test_an_archived_ledger_verifies_across_the_seam(ledger: Ledger) -> None:
    """From its files and the table together: whole or in part, also where nothing is left in the table."""
    await ledger.archive(file_facts_max=4)
    head = await ledger.reader.head(STORE)
    assert await verify_ledger(ledger.reader, STORE, range_facts=4) == Whole(FACTS, head.hash)
    for first, last in ((1, 10), (5, 15), (10, 20), (15, 16), (16, 30), (20, 25)):
        end = ledger.facts[last - 1].hash
        assert await verify_ledger(ledger.reader, STORE, first=first, last=last) == Whole(last - first + 1, end)
    await archive_before(ledger.owner, STORE, NOON + timedelta(days=99), ledger.folder)
    assert await verify_ledger(ledger.reader, STORE) == Whole(FACTS, head.hash)


async def test_archives_and_the_rest_are_whole_to_the_stand_alone_verifier(ledger: Ledger) -> None:
    """An auditor walks the files in their order, then the export of what is left."""
    archives = await ledger.archive(file_facts_max=7)
    rest = ledger.folder / "rest.jsonl"
    manifest = await export_history(ledger.reader, STORE, rest, first=ARCHIVED + 1)
    code, told = verify_files(
        *(ledger.folder / each.file_name for each in archives), rest, "--head", manifest.hash_after
    )
    assert (code, told.count("whole")) == (0, 4)


async def test_archives_are_imported_elsewhere_and_the_copy_is_the_same(
    ledger: Ledger, second_database_url: str
) -> None:
    """A ledger moves house from its archives and its rest, or from one export across the seam."""
    archives = await ledger.archive(file_facts_max=7)
    whole = ledger.folder / "whole.jsonl"
    await export_history(ledger.reader, STORE, whole)
    async with service_pool(second_database_url) as copy:
        for archive in archives:
            await import_history(copy, ledger.folder / archive.file_name)
        assert (await import_history(copy, whole)).written == FACTS - ARCHIVED
        assert await LedgerReader(copy).read_after(STORE, 0, FACTS) == ledger.facts
    imported = await import_history(ledger.service, ledger.folder / archives[0].file_name, archive_folder=ledger.folder)
    assert (imported.written, imported.known) == (0, 7)


@pytest.mark.parametrize(
    ("table", "event", "condition"),
    [
        ("archive", "INSERT", "NEW.first = 1"),
        ("archive", "INSERT", "NEW.first = 11"),
        ("archived_fact", "INSERT", "NEW.position = 1"),
        ("archived_fact", "INSERT", "NEW.position = 7"),
        ("archived_fact", "INSERT", "NEW.position = 15"),
        ("facts", "DELETE", "OLD.position = 1"),
        ("facts", "DELETE", "OLD.position = 7"),
        ("facts", "DELETE", "OLD.position = 15"),
    ],
)
async def test_a_run_that_breaks_off_anywhere_is_finished_by_the_next(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, table: str, event: str, condition: str
) -> None:
    """Its session ends in the middle of a batch; until the next run every fact is read, and is a duplicate."""
    monkeypatch.setattr("eventstore.archive._BATCH_FACTS", 4)
    await ledger.owner.execute(
        f"CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
        " RAISE EXCEPTION 'as if terminated' USING ERRCODE = 'admin_shutdown'; END IF;"
        " IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    await ledger.owner.execute(f"CREATE TRIGGER a_death BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION die()")
    with pytest.raises(CONNECTION_ERRORS):
        await ledger.archive(file_facts_max=10)
    assert await ledger.reader.read_after(STORE, 0, FACTS) == ledger.facts
    again = await Appender(ledger.service, ledger.clock).append(STORE, [member(1, stream="customer-1")])
    assert again == [Duplicate(2, 1)]
    await ledger.owner.execute("DROP FUNCTION die CASCADE")
    await ledger.archive(file_facts_max=10)
    assert await ledger.in_table() == list(range(ARCHIVED + 1, FACTS + 1))
    assert await ledger.reader.read_after(STORE, 0, FACTS) == ledger.facts
    assert isinstance(await verify_ledger(ledger.reader, STORE), Whole)


async def test_an_append_under_way_while_its_fact_is_archived_stores_it_once(ledger: Ledger) -> None:
    """It began before the keys were there and waits for the head: it finds the head moved, and is decided again."""
    fresh = Appender(ledger.service, ledger.clock)
    await fresh.append(STORE, [member(299)])  # it knows the head now, and none of the older sources
    blocker = await ledger.owner.acquire()
    held = blocker.transaction()
    await held.start()
    await blocker.execute("SELECT FROM ledger_head WHERE store_id = $1 FOR UPDATE", STORE)
    waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND "
    appending = asyncio.create_task(fresh.append(STORE, [member(300), member(3, stream="customer-x")]))
    await until(ledger, waits + "locktype = 'transactionid'")
    archiving = asyncio.create_task(ledger.archive())
    await until(ledger, "SELECT count(*) = 15 FROM archived_fact")
    await until(ledger, "SELECT count(*) = 2 FROM pg_locks WHERE NOT granted")
    assert await ledger.in_table() == list(range(1, FACTS + 2)), "the keys are there, and every fact still is"
    # The archive's turn at the head comes first, as if the append had been slower: its facts leave, then it goes on.
    await blocker.execute("UPDATE ledger_head SET archived = 15 WHERE store_id = $1", STORE)
    await blocker.execute("DELETE FROM facts WHERE store_id = $1 AND position <= 15", STORE)
    await held.commit()
    await ledger.owner.release(blocker)
    assert await appending == [Appended(FACTS + 2, 1), Duplicate(4, 1)]
    await archiving
    assert await ledger.in_table() == list(range(ARCHIVED + 1, FACTS + 3))


@pytest.mark.parametrize("beside", [[], [300]], ids=["alone", "in a batch"])
async def test_an_appender_that_remembers_the_head_of_before_stores_no_archived_fact_again(
    ledger: Ledger, beside: list[int]
) -> None:
    """Position and hash stand as it remembers them, only facts have left: that alone sends it to read again."""
    fresh = Appender(ledger.service, ledger.clock)
    await fresh.append(STORE, [member(299)])
    await ledger.archive()
    results = await fresh.append(STORE, [member(3, stream="customer-x"), *map(member, beside)])
    assert results == [Duplicate(4, 1), *(Appended(FACTS + 2, 1) for _ in beside)]


async def until(ledger: Ledger, question: str) -> None:
    """Ask the database until it says yes."""
    async with asyncio.timeout(10):
        while True:
            if await ledger.service.fetchval(question):
                return
            await asyncio.sleep(0.01)


_RECORDED = {
    "archive": "INSERT INTO archive SELECT store_id, position, position, hash, hash, hash, 'x', recorded_at"
    " FROM facts WHERE store_id = $1 AND position = $2",
    "key": "INSERT INTO archived_fact SELECT store_id, position, stream_id, stream_version, source_id"
    " FROM facts WHERE store_id = $1 AND position = $2",
    "head": "UPDATE ledger_head SET archived = $2 WHERE store_id = $1",
}


@pytest.mark.parametrize("lacking", _RECORDED)
async def test_no_fact_leaves_without_its_archive_and_its_key(ledger: Ledger, lacking: str) -> None:
    """The owner's own DELETE is refused by the table while one is not recorded; any other change always is."""
    for kind, sql in _RECORDED.items():
        await ledger.owner.execute(sql, STORE, 1 if kind == lacking else 2)
    remove = "DELETE FROM facts WHERE store_id = $1 AND position = 2"
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await ledger.owner.execute(remove, STORE)
    await ledger.owner.execute(_RECORDED[lacking], STORE, 2)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await ledger.owner.execute(remove.replace("DELETE FROM facts", "UPDATE facts SET body = body"), STORE)
    assert await ledger.in_table() == list(range(1, FACTS + 1))
    await ledger.owner.execute(remove, STORE)
    assert await ledger.in_table() == [1, *range(3, FACTS + 1)]


async def test_the_service_may_neither_archive_nor_remove(ledger: Ledger) -> None:
    """The command needs the owner's login and says so; what it covers stays out of the service's reach, too."""
    with pytest.raises(HistoryError, match="needs the login that owns the schema"):
        await archive_before(ledger.service, STORE, THIRD_DAY, ledger.folder)
    await ledger.archive()
    for sql in ("DELETE FROM archived_fact", "DELETE FROM archive", "UPDATE archive SET last = 1", "DELETE FROM facts"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ledger.service.execute(sql)


async def test_a_missing_or_altered_archive_says_what_to_do(ledger: Ledger) -> None:
    """Without the folder, without the file, and with one byte changed; never a wrong fact."""
    (archive,) = await ledger.archive()
    path = ledger.folder / archive.file_name
    for reader, said in ((LedgerReader(ledger.service), "name its folder in JURNALSYNC_ARCHIVE_FOLDER"),):
        await refused(reader, said)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"MemberReported", b"MemberReportee", 1))
    await refused(LedgerReader(ledger.service, ledger.folder), "an archive was altered: .*bring the file back")
    await refused(ledger.reader, "an archive was altered")
    path.unlink()
    await refused(ledger.reader, "which is not there; bring the file back from a copy")
    path.write_bytes(content)
    assert await ledger.reader.read_after(STORE, 0, FACTS) == ledger.facts


async def refused(reader: LedgerReader, said: str) -> None:
    """Expect these words from reading and verifying; what is in the table is read all the same."""
    with pytest.raises(HistoryError, match=said):
        await reader.read_after(STORE, 3, 10)
    with pytest.raises(HistoryError, match=said):
        await verify_ledger(reader, STORE)
    assert len(await reader.read_after(STORE, ARCHIVED, 100)) == FACTS - ARCHIVED


@pytest.mark.parametrize("column", ["hash_after", "hash_before", "sha256", "last"])
async def test_a_record_of_an_archive_that_was_changed_is_found(ledger: Ledger, column: str) -> None:
    """The records are checked against the files and against what stands in the table."""
    await ledger.archive(file_facts_max=8)
    value = "last - 1" if column == "last" else "sha256('x')"
    await ledger.owner.execute(f"UPDATE archive SET {column} = {value} WHERE first = 9")  # noqa: S608 - made up
    if column == "hash_before":
        assert await verify_ledger(ledger.reader, STORE) == Broken(
            9, "its archive does not continue what is in front of it"
        )
        return
    said = {"hash_after": "its manifest says", "sha256": "was altered", "last": "its manifest says"}[column]
    with pytest.raises(HistoryError, match=said):
        await verify_ledger(ledger.reader, STORE)


async def test_a_file_that_is_in_the_way_is_not_overwritten(ledger: Ledger) -> None:
    """Another ledger's archive, or half of one: it says which file, and nothing has moved."""
    path = ledger.folder / f"{STORE}-{1:012d}-{ARCHIVED:012d}.jsonl"
    path.write_text("something else")
    with pytest.raises(HistoryError, match="is there already and unfinished; remove it"):
        await ledger.archive()
    assert path.read_text() == "something else"
    assert await ledger.in_table() == list(range(1, FACTS + 1))


async def test_archiving_what_is_archived_or_too_young_does_nothing(ledger: Ledger) -> None:
    """A second run finds nothing to do; the next one begins where the last one ended."""
    assert await archive_before(ledger.owner, STORE, NOON, ledger.folder) == []
    await ledger.archive()
    assert await ledger.archive() == []
    (second,) = await archive_before(ledger.owner, STORE, NOON + timedelta(days=4), ledger.folder)
    assert (second.first, second.last) == (ARCHIVED + 1, ARCHIVED + FACTS_A_DAY)


async def test_the_command_archives_verifies_and_exports(
    environment: dict[str, str], ledger: Ledger, connection: Connection
) -> None:
    """As an operator types it: archive with the owner's login, then verify and export with the folder named."""
    del connection
    folder = str(ledger.folder)
    ended = await jurnalsync("archive", folder, "--store", STORE, "--before", THIRD_DAY.isoformat(), **environment)
    assert (ended.code, ended.out) == (
        0, f"{STORE}: positions 1 to 15 stand in {STORE}-000000000001-000000000015.jsonl only\n",
    )  # fmt: skip
    verified = await jurnalsync("verify", "--store", STORE, **environment, JURNALSYNC_ARCHIVE_FOLDER=folder)
    assert (verified.code, verified.out.startswith(f"{STORE}: 30 facts, chain whole")) == (0, True)
    told = await jurnalsync("verify", "--store", STORE, **environment)
    assert told.code == 1
    assert "name its folder in JURNALSYNC_ARCHIVE_FOLDER" in told.err
    day = await jurnalsync(
        "export", f"{folder}/day.jsonl", "--store", STORE, "--since", "2026-11-21T05:00:00Z",
        "--until", "2026-11-22T05:00:00Z", **environment, JURNALSYNC_ARCHIVE_FOLDER=folder,
    )  # fmt: skip
    assert day.out.startswith(f"{STORE}: positions 6 to 10, SHA-256 ")
    lines = (ledger.folder / "day.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["position"] for line in lines] == [6, 7, 8, 9, 10]
