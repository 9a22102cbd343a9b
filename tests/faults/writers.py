"""The two kinds of writers of a play: an appender here, behind a proxy, and an appender in a process of its own."""

import asyncio
import contextlib
import itertools
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import asyncpg

from eventstore.event import AppendResult, NewFact
from tests.faults.nursery import Birth, Nursery
from tests.faults.plain_store import Build
from tests.faults.writer_process import (
    WRITER_NAME,
    Answer,
    Ask,
    Hello,
    Message,
    OpenAppender,
    Spin,
    Spun,
    read_message,
    write_message,
)
from tests.proxy import PostgresProxy

_LOOK_AGAIN_SECONDS = 0.002


class NoAnswer(Exception):
    """The writer's process is gone; whether the facts are stored nobody knows."""


class LocalWriter:
    """An appender in this process."""

    def __init__(self, proxy: PostgresProxy, appender: OpenAppender) -> None:
        self.proxy = proxy
        self._appender = appender

    @classmethod
    async def open(cls, url: str, build: Build) -> Self:
        """Open a proxy, and a pool through it."""
        proxy = await PostgresProxy(url).__aenter__()
        return cls(proxy, await OpenAppender.open(proxy.url, build))

    async def append(self, store_id: str, facts: Sequence[NewFact], clock_seconds: int) -> list[AppendResult]:
        """Append here."""
        return await self._appender.append(store_id, facts, clock_seconds)

    async def close(self) -> None:
        """Drop its connections."""
        self._appender.close()
        await self.proxy.__aexit__(None, None, None)


class _Child:
    """A living process: its connection and the answers it owes."""

    def __init__(self, process_id: int) -> None:
        self.process_id = process_id
        self.owed: dict[int, asyncio.Future[Message]] = {}
        self.said_hello: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()


class ProcessWriters:
    """All appender processes of a play, by number: born, killed, born again."""

    def __init__(self, nursery: Nursery, url: str, build: Build) -> None:
        self._nursery = nursery
        self._url = url
        self._build = build
        self._folder = Path(tempfile.mkdtemp(prefix="writers-"))
        self._socket = self._folder / "socket"
        self._children: dict[int, _Child] = {}
        self._numbers = itertools.count()
        self._server: asyncio.Server | None = None
        self._readers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, path=self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._children):
            self._kill(writer)
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def bear(self, writer: int) -> None:
        """Start the process of a writer."""
        birth = Birth(str(self._socket), self._url, self._build, writer)
        self._children[writer] = _Child(self._nursery.bear(birth))

    def kill(self, writer: int) -> None:
        """Kill a writer's process with what it has in flight, and start another."""
        self._kill(writer)
        self.bear(writer)

    async def pause(self, writer: int, seconds: float) -> None:
        """Stop a writer's process for a while."""
        process_id = self._children[writer].process_id
        self._nursery.signal(process_id, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if self._children[writer].process_id == process_id:
            self._nursery.signal(process_id, signal.SIGCONT)

    async def append(
        self, writer: int, store_id: str, facts: tuple[NewFact, ...], clock_seconds: int
    ) -> list[AppendResult]:
        """Append there. Raises `NoAnswer` if the process dies first."""
        answer = await self._ask(writer, Ask(next(self._numbers), store_id, facts, clock_seconds))
        assert isinstance(answer, Answer)
        if answer.results is None:
            raise RuntimeError(answer.error)
        return answer.results

    async def spin(self, writer: int, store_id: str, *, seconds: float, call_facts: int) -> list[float]:
        """Let a process append one call after the other; returns how long each waited."""
        spun = await self._ask(writer, Spin(next(self._numbers), store_id, f"spin-{writer}", seconds, call_facts))
        assert isinstance(spun, Spun)
        return spun.waits_seconds

    async def ready(self) -> None:
        """Wait until every process has said hello."""
        await asyncio.gather(*(child.said_hello for child in self._children.values()))

    def _kill(self, writer: int) -> None:
        child = self._children.pop(writer)
        self._nursery.signal(child.process_id, signal.SIGKILL)
        promised: list[asyncio.Future[Any]] = [child.said_hello, *child.owed.values()]
        for promise in promised:
            if not promise.done():
                promise.set_exception(NoAnswer())
                promise.exception()  # whoever waits gets it; that nobody waits any more is no mistake

    async def _ask(self, writer: int, message: Ask | Spin) -> Message:
        child = self._children[writer]
        stream = await asyncio.shield(child.said_hello)
        if self._children.get(writer) is not child:
            raise NoAnswer  # killed between its hello and this turn of the loop
        owed: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        child.owed[message.number] = owed
        write_message(stream, message)
        return await owed

    async def _serve(self, reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)
        # A task of the streams module must not end as cancelled: it would log that as an error.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            hello = await read_message(reader)
            assert isinstance(hello, Hello)
            child = self._children.get(hello.writer)
            if child is None or child.process_id != hello.process_id:
                stream.close()
                return
            child.said_hello.set_result(stream)
            while True:
                answer = await read_message(reader)
                assert isinstance(answer, Answer | Spun)
                owed = child.owed.pop(answer.number)
                if not owed.done():
                    owed.set_result(answer)
        stream.close()


async def until_nobody_writes(url: str) -> None:
    """Wait until the last backend of a writer is gone: one whose process was killed may still commit."""
    connection = await asyncpg.connect(url)
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
    while True:
        if await connection.fetchval(query, WRITER_NAME) == 0:
            await connection.close()
            return
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
