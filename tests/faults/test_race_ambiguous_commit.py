"""The connection dies after Postgres has committed and before the answer arrives: stored once, at the place it took."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import asyncpg
import pytest

from eventstore.connection import Connection
from eventstore.event import AppendResult, NewFact, VersionConflict
from tests.faults.plain_store import Build, PlainStore
from tests.faults.writer_process import OpenAppender
from tests.ledger import STORE, member, service_pool
from tests.proxy import PostgresProxy, Way

_READY_AND_IDLE = b"Z\x00\x00\x00\x05I"


class Line(NamedTuple):
    """An appender behind a proxy, and a connection beside it that sees what is committed."""

    proxy: PostgresProxy
    appender: OpenAppender
    onlooker: Connection
    table: str

    async def append(self, fact: NewFact) -> AppendResult:
        """Append in peace."""
        (result,) = await self.appender.append(STORE, [fact], 0)
        return result

    async def append_unheard(self, fact: NewFact) -> AppendResult:
        """Append; the line is cut when Postgres has committed the fact and is about to say so."""

        async def is_committed(way: Way, chunk: bytes) -> bool:
            if way is Way.TO_SERVER or not chunk.endswith(_READY_AND_IDLE) or not await self.times_stored(fact):
                return False
            self.proxy.cut_if = None
            return True

        self.proxy.cut_if = is_committed
        result = await self.append(fact)
        assert self.proxy.cuts == 1, "no answer was lost, so nothing was tested"
        return result

    async def times_stored(self, fact: NewFact) -> int:
        """Count the fact."""
        query = f"SELECT count(*) FROM {self.table} WHERE source_id = $1"  # noqa: S608 - one of the two tables below
        times = await self.onlooker.fetchval(query, fact.source_id)
        assert isinstance(times, int)
        return times


@asynccontextmanager
async def _line(url: str, build: Build) -> AsyncIterator[Line]:
    """Open a store and a line to it."""
    onlooker = await asyncpg.connect(url)
    if build is Build.LEDGER:
        async with service_pool(url):
            pass
    else:
        await PlainStore.create(onlooker, build, [STORE])
    async with PostgresProxy(url) as proxy:
        appender = await OpenAppender.open(proxy.url, build)
        yield Line(proxy, appender, onlooker, "facts" if build is Build.LEDGER else "plain_fact")
        appender.close()
    await onlooker.close()


@pytest.mark.parametrize("build", [Build.LEDGER, Build.PLAIN])
@pytest.mark.parametrize("head_is_known", [True, False])
async def test_an_append_whose_answer_was_lost_is_stored_once(
    build: Build, head_is_known: bool, stage_url: str
) -> None:
    """The repeat finds what was written and answers its place, on the fast way and on the careful one."""
    async with _line(stage_url, build) as line:
        if head_is_known:
            await line.append(member(1))
        result = await line.append_unheard(member(2))
        assert not isinstance(result, VersionConflict)
        assert result.position == (2 if head_is_known else 1)
        assert await line.times_stored(member(2)) == 1


async def test_an_expected_version_holds_although_its_answer_was_lost(stage_url: str) -> None:
    """What was written is not taken for somebody else's change: no conflict with oneself."""
    async with _line(stage_url, Build.LEDGER) as line:
        await line.append(member(1, stream="one"))
        result = await line.append_unheard(member(2, stream="one", version=1))
        assert not isinstance(result, VersionConflict)
        assert (result.position, result.stream_version) == (2, 2)


async def test_a_store_that_repeats_blindly_stores_it_twice_in_the_same_play(stage_url: str) -> None:
    """The broken variant: an append that takes a lost answer for a failure."""
    async with _line(stage_url, Build.BLIND_RETRY) as line:
        await line.append(member(1))
        await line.append_unheard(member(2))
        assert await line.times_stored(member(2)) == 2
