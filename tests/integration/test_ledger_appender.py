"""The appender on a real Postgres: order, duplicates, conflicts, limits, and many writers on one store."""

import asyncio
from datetime import timedelta

import pytest

from eventstore.appender import Appender, AppenderLimits
from eventstore.clock import ManualClock
from eventstore.connection import Connection
from eventstore.errors import AppendQueueFull, FactTooLarge, FactUnstorable, LedgerNotFound
from eventstore.event import Appended, AppendResult, Duplicate, NewFact, VersionConflict
from eventstore.store import LedgerReader
from eventstore.verify import Whole, verify_ledger
from tests.ledger import NOON, OTHER_STORE, STORE, appender_on, member, positions, service_pool

pytestmark = pytest.mark.servers


async def test_positions_run_without_gaps_under_200_concurrent_appends_of_two_processes(database_url: str) -> None:
    """Two appenders with pools of their own on one hot store: 1..n, no fact twice, the chain whole, the head at n."""
    async with service_pool(database_url) as one, service_pool(database_url) as two:
        appenders = (appender_on(one), appender_on(two))
        calls = [
            appenders[number % 2].append(STORE, [member(2 * number), member(2 * number + 1)]) for number in range(200)
        ]
        taken = [positions(results) for results in await asyncio.gather(*calls)]
        assert sorted(position for pair in taken for position in pair) == list(range(1, 401))
        assert all(first + 1 == second for first, second in taken)
        reader = LedgerReader(one)
        assert await verify_ledger(reader, STORE) == Whole(400, (await reader.head(STORE)).hash)


async def test_two_writers_of_the_same_facts_store_each_once(database_url: str) -> None:
    """Both are told the same position: one as appended, the other as a duplicate."""
    async with service_pool(database_url) as one, service_pool(database_url) as two:
        appenders = (appender_on(one), appender_on(two))
        calls = [appender.append(STORE, [member(number)]) for number in range(60) for appender in appenders]
        results = [result for (result,) in await asyncio.gather(*calls)]
        for first, second in zip(results[::2], results[1::2], strict=True):
            assert {type(first), type(second)} == {Appended, Duplicate}
            assert not isinstance(first, VersionConflict)
            assert not isinstance(second, VersionConflict)
            assert (first.position, first.stream_version) == (second.position, second.stream_version)
        assert (await LedgerReader(one).head(STORE)).position == 60


async def test_a_duplicate_answers_the_original_position(database_url: str) -> None:
    """In a later call, in the same batch and in the same call; whatever the repeat's content or stream."""
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        first = await appender.append(STORE, [member(1), member(2), member(1, stream="elsewhere")])
        assert first == [Appended(1, 1), Appended(2, 1), Duplicate(1, 1)]
        together = await asyncio.gather(
            appender.append(STORE, [member(3)]), appender.append(STORE, [member(3), member(2)])
        )
        assert list(together) == [[Appended(3, 1)], [Duplicate(3, 1), Duplicate(2, 1)]]
        assert (await LedgerReader(pool).head(STORE)).position == 3


async def test_a_wrong_expected_version_fails_that_append_alone(database_url: str) -> None:
    """Its neighbours in the call and in the batch are appended; the answer says where the stream stands."""
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        await appender.append(STORE, [member(1, stream="s")])
        answers = await asyncio.gather(
            appender.append(STORE, [member(2, stream="s", version=0), member(3, stream="s", version=1)]),
            appender.append(STORE, [member(4, stream="s", version=2)]),
            appender.append(STORE, [member(5, stream="s", version=2)]),
        )
        assert list(answers) == [[VersionConflict(0, 1), Appended(2, 2)], [Appended(3, 3)], [VersionConflict(2, 3)]]


async def test_a_conflict_is_never_answered_from_a_memory_that_another_process_has_outrun(database_url: str) -> None:
    """What an appender remembers of a stream may be old: whether it moved, only the database can say."""
    async with service_pool(database_url) as pool:
        ours, theirs = appender_on(pool), appender_on(pool)
        await ours.append(STORE, [member(1, stream="s")])
        await ours.append(STORE, [member(2, stream="s")])
        await theirs.append(STORE, [member(3, stream="s")])
        assert await ours.append(STORE, [member(4, stream="s", version=3)]) == [Appended(4, 4)]
        await theirs.append(STORE, [member(5, stream="s")])
        assert await ours.append(STORE, [member(5, stream="s", version=0)]) == [Duplicate(5, 5)]


async def test_facts_are_stored_exactly_and_in_the_order_of_the_call(database_url: str) -> None:
    """What is read is what was given, byte for byte."""
    given = [
        NewFact(
            stream_id=f"customer-{number % 3}", type="MemberReported", schema_version=1, source_id=f"x:{number}",
            observed_at=NOON - timedelta(days=number), body=bytes(range(256)), sealed=b"\x00\xff",
            metadata=b'{"n":%d}' % number,
        )
        for number in range(30)
    ]  # fmt: skip
    async with service_pool(database_url) as pool:
        assert positions(await appender_on(pool).append(STORE, given)) == list(range(1, 31))
        stored = await LedgerReader(pool).read_after(STORE, 0, 100)
    for new, fact in zip(given, stored, strict=True):
        assert all(getattr(fact, name) == getattr(new, name) for name in new.__struct_fields__ if hasattr(fact, name))


TEXTS = ["NULL", " ", ",", '"', "\\", '\\"', "{a,b}", "'", "\n\t\x1f", "é 商店 🧋", '","', "}{"]


async def test_any_text_and_any_mixture_of_columns_is_stored_as_it_was_given(database_url: str) -> None:
    """Names that look like an array's syntax, and columns that are the same in some rows only, alone and in a batch."""
    given = [
        NewFact(
            stream_id=f"s{text}", type=f"T{number % 2}", schema_version=1 + number % 3, source_id=text,
            observed_at=NOON - timedelta(days=number // 2), body=b"b" * number, sealed=b"s" * (number // 4),
        )
        for number, text in enumerate(TEXTS)
    ]  # fmt: skip
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, given)
        for new in given:
            assert await appender_on(pool).append(OTHER_STORE, [new])
        for store_id in (STORE, OTHER_STORE):
            stored = await LedgerReader(pool).read_after(store_id, 0, 100)
            assert [
                (
                    fact.stream_id,
                    fact.type,
                    fact.schema_version,
                    fact.source_id,
                    fact.observed_at,
                    fact.body,
                    fact.sealed,
                )
                for fact in stored
            ] == [
                (new.stream_id, new.type, new.schema_version, new.source_id, new.observed_at, new.body, new.sealed)
                for new in given
            ]
            assert isinstance(await verify_ledger(LedgerReader(pool), store_id), Whole)


async def test_a_stream_is_read_in_its_own_order_from_both_ends(database_url: str) -> None:
    """Versions count within the stream; the end comes newest first; one position is read alone."""
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, [member(number, stream=f"s-{number % 2}") for number in range(10)])
        reader = LedgerReader(pool)
        after = await reader.read_stream(STORE, "s-1", after_version=2, facts_max=2)
        assert [(fact.position, fact.stream_version) for fact in after] == [(6, 3), (8, 4)]
        end = await reader.read_stream_end(STORE, "s-1", facts_max=2)
        assert [fact.position for fact in end] == [10, 8]
        assert await reader.read_one(STORE, 6) == after[0]
        assert await reader.read_one(STORE, 11) is None


async def test_recorded_at_never_goes_back_when_the_clock_does(database_url: str) -> None:
    """The head's last time is the floor, so time in the ledger is monotonous whatever the machine's clock does."""
    async with service_pool(database_url) as pool:
        clock = ManualClock(NOON)
        appender = Appender(pool, clock)
        for number, minutes in enumerate((0, 10, -60, 5, 70)):
            clock.advance(timedelta(minutes=minutes))
            await appender.append(STORE, [member(number)])
        stored = await LedgerReader(pool).read_after(STORE, 0, 10)
        assert [(fact.recorded_at - NOON) // timedelta(minutes=1) for fact in stored] == [0, 10, 10, 10, 25]


async def test_a_full_queue_refuses_with_a_time_to_come_back_and_takes_again_when_it_is_empty(
    database_url: str,
) -> None:
    """By facts or by bytes; what was taken before is appended, and one call is always taken by an empty queue."""
    for limits in (AppenderLimits(queue_facts_max=3), AppenderLimits(queue_bytes_max=130)):
        async with service_pool(database_url) as pool:
            appender = Appender(pool, ManualClock(NOON), limits)
            taken = [asyncio.create_task(appender.append(STORE, [member(100 + number)])) for number in range(3)]
            await asyncio.sleep(0)
            assert appender.queued_facts == 3
            with pytest.raises(AppendQueueFull) as full:
                await appender.append(STORE, [member(103)])
            assert full.value.retry_after_seconds == 2
            assert len(await asyncio.gather(*taken)) == 3
            await appender.append(STORE, [member(100 + number) for number in range(4, 9)])
            assert appender.queued_facts == 0


async def test_a_fact_over_the_limit_is_refused_before_it_waits(database_url: str) -> None:
    """Body, sealed part and metadata count together."""
    async with service_pool(database_url) as pool:
        appender = Appender(pool, ManualClock(NOON), AppenderLimits(fact_bytes_max=20))
        with pytest.raises(FactTooLarge, match=r"exceeds the limit of 20 bytes"):
            await appender.append(STORE, [member(1)])
        assert appender.queued_facts == 0


async def test_an_unknown_store_is_refused_by_name_and_the_others_go_on(database_url: str) -> None:
    """Only an opened ledger takes facts; opening it again changes nothing."""
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        unknown, known = await asyncio.gather(
            appender.append("nobody", [member(1)]), appender.append(STORE, [member(1)]), return_exceptions=True
        )
        assert isinstance(unknown, LedgerNotFound)
        assert known == [Appended(1, 1)]
    async with service_pool(database_url) as pool:
        assert await LedgerReader(pool).stores() == [STORE, OTHER_STORE]
        assert (await LedgerReader(pool).head(STORE)).position == 1


async def test_a_caller_that_gives_up_does_not_harm_its_neighbours(database_url: str, connection: Connection) -> None:
    """Its facts may be stored or not; the answers of the others in the batch stay their own."""
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SELECT 1 FROM ledger_head WHERE store_id = $1 FOR UPDATE", STORE)
        calls = [asyncio.create_task(appender.append(STORE, [member(number)])) for number in range(6)]
        await asyncio.sleep(0.05)
        for impatient in (0, 2):
            calls[impatient].cancel()
        await asyncio.sleep(0)
        await transaction.rollback()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answers[impatient]) for impatient in (0, 2)] == [asyncio.CancelledError] * 2
        stored = {fact.source_id: fact.position for fact in await LedgerReader(pool).read_after(STORE, 0, 10)}
        for number in (1, 3, 4, 5):
            assert answers[number] == [Appended(stored[f"member:{number}"], 1)]


UNSTORABLE = {
    "a NUL in a text": NewFact(
        stream_id="customer-\x00", type="MemberReported", schema_version=1, source_id="bad", observed_at=NOON, body=b""
    ),
    "a number that does not fit": NewFact(
        stream_id="customer-1",
        type="MemberReported",
        schema_version=70_000,
        source_id="bad",
        observed_at=NOON,
        body=b"",
    ),
    "half a surrogate": NewFact(
        stream_id="customer-\ud800",
        type="MemberReported",
        schema_version=1,
        source_id="bad",
        observed_at=NOON,
        body=b"",
    ),
}


@pytest.mark.parametrize("fault", UNSTORABLE)
async def test_a_fact_that_cannot_be_stored_fails_its_own_call_only(database_url: str, fault: str) -> None:
    """It is refused at once, not tried for ever, and those it was batched with are appended."""
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        async with asyncio.timeout(5):
            answers = await asyncio.gather(
                appender.append(STORE, [member(1)]),
                appender.append(STORE, [UNSTORABLE[fault]]),
                appender.append(STORE, [member(2)]),
                return_exceptions=True,
            )
        assert isinstance(answers[1], FactUnstorable)
        assert list(answers[::2]) == [[Appended(1, 1)], [Appended(2, 1)]]


async def test_flush_returns_when_everything_queued_is_durable(database_url: str) -> None:
    """A process that ends takes nothing with it; every committed batch was counted."""
    async with service_pool(database_url) as pool:
        counted: list[AppendResult] = []
        appender = Appender(pool, ManualClock(NOON), on_batch=counted.extend)
        calls = [
            asyncio.create_task(appender.append(store_id, [member(number)]))
            for number in range(20)
            for store_id in (STORE, OTHER_STORE)
        ]
        await asyncio.sleep(0)
        await appender.flush()
        reader = LedgerReader(pool)
        assert [(await reader.head(store_id)).position for store_id in (STORE, OTHER_STORE)] == [20, 20]
        assert len(counted) == 40
        assert all(call.done() for call in calls)
        assert await appender.append(STORE, []) == []
