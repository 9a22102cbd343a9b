"""Two appenders of two processes have decided on the same head: one is first, the other decides again."""

import asyncio

import asyncpg
import pytest

from eventstore.connection import Connection
from eventstore.event import Appended, AppendResult, NewFact, VersionConflict
from tests.faults.plain_store import Build, PlainStore
from tests.faults.writer_process import OpenAppender
from tests.integration.test_ledger_late_commit import until_blocked
from tests.ledger import STORE, member, service_pool


async def _append_at_once(url: str, build: Build, *facts: NewFact) -> tuple[list[AppendResult], list[int]]:
    """Let each fact be decided by an appender of its own while a third holds the head; return answers and positions."""
    onlooker = await asyncpg.connect(url)
    if build is Build.LEDGER:
        async with service_pool(url):
            pass
    else:
        await PlainStore.create(onlooker, build, [STORE])
    appenders = [await OpenAppender.open(url, build) for _ in facts]
    await appenders[0].append(STORE, [member(0, stream="one")], 0)
    heads, table = ("ledger_head", "facts") if build is Build.LEDGER else ("plain_head", "plain_fact")
    hold = f"SELECT 1 FROM {heads} WHERE store_id = $1 FOR UPDATE"  # noqa: S608 - one of two tables
    async with asyncio.TaskGroup() as group, onlooker.transaction():
        await onlooker.execute(hold, STORE)
        appends = [
            group.create_task(appender.append(STORE, [fact], 0))
            for appender, fact in zip(appenders, facts, strict=True)
        ]
        await until_blocked(onlooker, len(facts))
    stored = await _positions(onlooker, table)
    for appender in appenders:
        appender.close()
    await onlooker.close()
    return [result for append in appends for result in append.result()], stored


async def _positions(connection: Connection, table: str) -> list[int]:
    records = await connection.fetch(
        f"SELECT position FROM {table} WHERE store_id = $1 ORDER BY position",  # noqa: S608 - one of two tables
        STORE,
    )
    return [record["position"] for record in records]


@pytest.mark.parametrize("build", [Build.LEDGER, Build.PLAIN])
async def test_two_appenders_that_saw_the_same_head_take_different_positions(build: Build, stage_url: str) -> None:
    """Whoever comes second decides again behind the first; the stream's versions follow on each other too."""
    results, stored = await _append_at_once(stage_url, build, member(1, stream="one"), member(2, stream="one"))
    assert {str(result) for result in results} == {str(Appended(2, 2)), str(Appended(3, 3))}
    assert stored == [1, 2, 3]


async def test_of_two_appenders_that_expect_the_same_version_one_gets_it(stage_url: str) -> None:
    """The other is told where the stream stands, and nothing of its own is written."""
    facts = (member(1, stream="one", version=1), member(2, stream="one", version=1))
    results, stored = await _append_at_once(stage_url, Build.LEDGER, *facts)
    assert {str(result) for result in results} == {str(Appended(2, 2)), str(VersionConflict(1, 2))}
    assert stored == [1, 2]


async def test_a_store_that_does_not_compare_the_head_gives_one_position_to_both_in_the_same_play(
    stage_url: str,
) -> None:
    """The broken variant: it counts on from the head it read, whoever moved it since."""
    results, stored = await _append_at_once(
        stage_url, Build.BLIND_HEAD, member(1, stream="one"), member(2, stream="one")
    )
    assert [str(result) for result in results] == [str(Appended(2, 2))] * 2
    assert stored == [1, 2, 2]
