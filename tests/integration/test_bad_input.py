"""What a ledger is given that it should not be: kept exactly if it can be, else refused by the field that is wrong."""

import asyncio
import random
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from pathlib import Path

import msgspec
import pytest

from eventstore.errors import FactUnstorable, LedgerNotFound, PositionOutOfRange, StoreNameRefused
from eventstore.event import Appended, NewFact, VersionConflict
from eventstore.store import LedgerReader, open_ledger
from eventstore.verify import Whole, verify_ledger
from tests.integration.command_line import environment, jurnalsync
from tests.ledger import NOON, STORE, appender_on, member, service_pool

__all__ = ["environment"]  # the fixture

CHANCE = random.Random(7)  # noqa: S311 - the same bytes in every run, for no secret
PAYLOADS = {
    "of zero length": b"",
    "that is not UTF-8": b"\xff\xfe{\x00\xc3",
    "with a key twice": b'{"order_id": "1", "order_id": "2"}',
    "of 10 MB": CHANCE.randbytes(10_000_000),
}
WEST = timezone(timedelta(hours=-14))
UNSTORABLE: dict[str, tuple[str, object]] = {
    "an empty stream": ("stream_id", ""),
    "an empty source id": ("source_id", ""),
    "an empty type": ("type", ""),
    "a NUL in a stream": ("stream_id", "order-\x00"),
    "a NUL in a source id": ("source_id", "order:\x00"),
    "half a surrogate": ("source_id", "order:\ud800"),
    "a stream too long for an index": ("stream_id", CHANCE.randbytes(2_000).hex()),
    "a source id too long for an index": ("source_id", CHANCE.randbytes(2_000).hex()),
    "schema version 0": ("schema_version", 0),
    "a schema version below 0": ("schema_version", -1),
    "a schema version that does not fit": ("schema_version", 32_768),
    "a schema version of 100 bits": ("schema_version", 2**100),
    "a time without a zone": ("observed_at", datetime(2026, 11, 20, 5, 0)),  # noqa: DTZ001 - the fault itself
    "a time after the last one in UTC": ("observed_at", datetime.max.replace(tzinfo=WEST)),
    "the first time of all": ("observed_at", datetime.min.replace(tzinfo=UTC)),
    "the last time of all": ("observed_at", datetime.max.replace(tzinfo=UTC)),
    "a text for a body": ("body", "{}"),
}


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_any_payload_is_kept_byte_for_byte(database_url: str, payload: str) -> None:
    """The ledger takes bytes; whether they can be read is for others to say."""
    fact = msgspec.structs.replace(member(1), body=PAYLOADS[payload], metadata=b"")
    async with service_pool(database_url) as pool:
        assert await appender_on(pool).append(STORE, [fact]) == [Appended(1, 1)]
        reader = LedgerReader(pool)
        stored = await reader.read_one(STORE, 1)
        assert stored is not None
        assert stored.body == PAYLOADS[payload]
        assert await verify_ledger(reader, STORE) == Whole(1, stored.hash)


@pytest.mark.parametrize("fault", UNSTORABLE)
async def test_a_fact_that_cannot_be_stored_is_refused_by_its_field(database_url: str, fault: str) -> None:
    """At once, alone, and whether or not the appender knows the head: its neighbours are appended."""
    field, wrong = UNSTORABLE[fault]
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        for end in (0, 2):
            async with asyncio.timeout(5):
                before, refused, behind = await asyncio.gather(
                    appender.append(STORE, [member(end)]),
                    appender.append(STORE, [member(10), msgspec.structs.replace(member(11), **{field: wrong})]),
                    appender.append(STORE, [member(end + 1)]),
                    return_exceptions=True,
                )
            assert isinstance(refused, FactUnstorable)
            assert (refused.field, str(refused).count(field)) == (field, 1)
            assert [before, behind] == [[Appended(end + 1, 1)], [Appended(end + 2, 1)]]
            assert appender.queued_facts == 0


async def test_the_ends_of_every_range_are_stored(database_url: str) -> None:
    """The first and the last time, the longest names, the last schema version."""
    first = datetime.min.replace(tzinfo=UTC) + timedelta.resolution
    last = datetime.max.replace(tzinfo=UTC) - timedelta.resolution
    name = CHANCE.randbytes(1_300).hex()
    facts = [
        NewFact(stream_id=name, type="T", schema_version=32_767, source_id=name, observed_at=first, body=b"{}"),
        NewFact(stream_id="\U0010ffff", type="T", schema_version=1, source_id="\x01", observed_at=last, body=b"{}"),
    ]
    async with service_pool(database_url) as pool:
        assert await appender_on(pool).append(STORE, facts) == [Appended(1, 1), Appended(2, 1)]
        reader = LedgerReader(pool)
        stored = await reader.read_after(STORE, 0, 10)
        assert [(fact.stream_id, fact.observed_at) for fact in stored] == [(name, first), ("\U0010ffff", last)]
        assert isinstance(await verify_ledger(reader, STORE), Whole)


async def test_a_version_that_no_stream_can_have_is_a_conflict(database_url: str) -> None:
    """The answer says where the stream stands, and nothing is written."""
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        await appender.append(STORE, [member(1, stream="s")])
        for expected, (stream, stands_at) in product((-1, 2**31, 2**100), (("s", 1), ("never-seen", 0))):
            answer = await appender.append(STORE, [member(2, stream=stream, version=expected)])
            assert answer == [VersionConflict(expected, stands_at)]
        assert (await LedgerReader(pool).head(STORE)).position == 1


async def test_a_place_that_no_ledger_has_is_refused(database_url: str) -> None:
    """It is no gap in the ledger and no fault of the database, which the driver would make of it."""
    async with service_pool(database_url) as pool:
        reader = LedgerReader(pool)
        for place in (-1, 2**62 + 1, 2**63, 10**30):
            for asked in (
                reader.read_after(STORE, place, 10),
                reader.read_one(STORE, place),
                reader.read_stream(STORE, "s", after_version=place),
                reader.read_stream_between(STORE, "s", 1, place),
            ):
                with pytest.raises(PositionOutOfRange, match=f"^{place} is no place"):
                    await asked
        assert await reader.read_after(STORE, 2**62, 10_000) == []
        assert await reader.read_stream(STORE, "s", after_version=2**31 - 1) == []


async def test_a_position_out_of_range_is_told_in_words(environment: dict[str, str], tmp_path: Path) -> None:
    """The database is not to blame, and the command says so."""
    async with service_pool(environment["JURNALSYNC_DATABASE_URL"]) as pool:
        await appender_on(pool).append(STORE, [member(1)])
    ended = await jurnalsync("verify", "--store", STORE, "--from", str(10**30), **environment)
    assert (ended.code, ended.err) == (1, "")
    assert "its ledger ends at position 1" in ended.out
    exported = await jurnalsync(
        "export", "--store", STORE, "--from", str(10**30), str(tmp_path / "ledger.jsonl"), **environment
    )
    assert exported.code == 1
    assert "are not all in the ledger, which holds 1 to 1" in exported.err
    assert "Traceback" not in exported.err


async def test_a_name_that_no_store_can_have_is_refused(database_url: str) -> None:
    """No ledger is made under it, and an append finds none."""
    async with service_pool(database_url) as pool:
        for store_id in ("", "Kopi", "kopi nusantara", "-kopi", "k" * 41, "kopi\x00", "kopi\n", "kopi\ud800"):
            with pytest.raises(StoreNameRefused, match="1 to 40 lower-case letters"):
                await open_ledger(pool, store_id, recorded_at=NOON)
            with pytest.raises(LedgerNotFound):
                await appender_on(pool).append(store_id, [member(1)])
