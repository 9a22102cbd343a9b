"""An appender in a process of its own: takes calls over a Unix socket and answers each when it is durable.

Started by `nursery.py`; it ends with its socket, or by `kill -9`.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, TypeAlias

import msgspec

from eventstore.appender import Appender, AppenderLimits
from eventstore.clock import ManualClock
from eventstore.connection import CONNECTION_ERRORS, Pool, open_pool
from eventstore.event import AppendResult, NewFact
from tests.faults.plain_store import Build, PlainStore
from tests.ledger import NOON, SERVICE_ROLE, member

CONNECTIONS = 3
_START_AGAIN_SECONDS = 0.02
WRITER_NAME = "writer"


class Hello(msgspec.Struct, tag=True):
    """The first word of a process: which writer of its play it is. A killed one's may arrive after its successor's."""

    writer: int
    process_id: int


class Ask(msgspec.Struct, tag=True):
    """Append these facts, after the clock was moved by `clock_seconds`."""

    number: int
    store_id: str
    facts: tuple[NewFact, ...]
    clock_seconds: int


class Spin(msgspec.Struct, tag=True):
    """Append one call after the other for so long."""

    number: int
    store_id: str
    name: str
    seconds: float
    call_facts: int


class Answer(msgspec.Struct, tag=True):
    """What an append came to: results, or the error's words."""

    number: int
    results: list[AppendResult] | None
    error: str = ""


class Spun(msgspec.Struct, tag=True):
    """How long each call of a spin waited."""

    number: int
    waits_seconds: list[float]


Message: TypeAlias = Hello | Ask | Spin | Answer | Spun
_DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Hello | Ask | Spin | Answer | Spun)


async def read_message(reader: asyncio.StreamReader) -> Message:
    """Read the next message. Raises `asyncio.IncompleteReadError` or `ConnectionError` when the other side is gone."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    return _DECODER.decode(await reader.readexactly(size))


def write_message(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send a message."""
    packed = msgspec.msgpack.encode(message)
    writer.write(len(packed).to_bytes(4, "big") + packed)


class Appends(Protocol):
    """The ledger's appender, or a plain store's."""

    async def append(self, store_id: str, facts: Sequence[NewFact]) -> list[AppendResult]:
        """Append; one result a fact."""


class OpenAppender:
    """An appender on a pool of its own, with a clock that is told when to jump."""

    def __init__(self, pool: Pool, build: Build) -> None:
        self._pool = pool
        self._clock = ManualClock(NOON)
        self._appends: Appends
        if build is Build.LEDGER:
            limits = AppenderLimits(reconnect_wait_seconds=0.02, reconnect_attempts_max=500)
            self._appends = Appender(pool, self._clock, limits)
        else:
            self._appends = PlainStore(pool, build)

    @classmethod
    async def open(cls, url: str, build: Build) -> "OpenAppender":
        """Open a pool: as the service for the ledger, as the owner for a plain store.

        A process that is born while backends are killed or the server restarts tries again, as its supervisor would.
        """
        role = SERVICE_ROLE if build is Build.LEDGER else None
        while True:
            try:
                pool = await open_pool(url, role=role, connections_max=CONNECTIONS, name=WRITER_NAME)
            except CONNECTION_ERRORS:
                await asyncio.sleep(_START_AGAIN_SECONDS)
            else:
                return cls(pool, build)

    async def append(self, store_id: str, facts: Sequence[NewFact], clock_seconds: int) -> list[AppendResult]:
        """Append at another time."""
        self._clock.advance(timedelta(seconds=clock_seconds))
        return await self._appends.append(store_id, facts)

    async def spin(self, spin: Spin) -> list[float]:
        """Append for a while; returns how long each call waited, at most as long as the spin."""
        waits: list[float] = []
        until = time.monotonic() + spin.seconds
        number = 0
        while (began := time.monotonic()) < until:
            facts = [
                member(0, stream=spin.name, source=f"{spin.name}:{number + offset}")
                for offset in range(spin.call_facts)
            ]
            number += spin.call_facts
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(spin.seconds):
                    await self._appends.append(spin.store_id, facts)
            waits.append(time.monotonic() - began)
        return waits

    def close(self) -> None:
        """Drop the connections."""
        self._pool.terminate()


async def serve(socket_path: str, url: str, build: Build, writer_number: int) -> None:
    """Take calls until the socket closes; several at once."""
    reader, writer = await asyncio.open_unix_connection(socket_path)
    appender = await OpenAppender.open(url, build)
    write_message(writer, Hello(writer_number, os.getpid()))
    calls: set[asyncio.Task[None]] = set()
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            message = await read_message(reader)
            assert isinstance(message, Ask | Spin)
            call = asyncio.create_task(_answer(appender, message, writer))
            calls.add(call)
            call.add_done_callback(calls.discard)
    appender.close()


async def _answer(appender: OpenAppender, message: Ask | Spin, writer: asyncio.StreamWriter) -> None:
    if isinstance(message, Spin):
        write_message(writer, Spun(message.number, await appender.spin(message)))
        return
    try:
        results = await appender.append(message.store_id, message.facts, message.clock_seconds)
    except Exception as error:  # noqa: BLE001 - whatever it is, the play must hear of it
        write_message(writer, Answer(message.number, None, f"{type(error).__name__}: {error}"))
    else:
        write_message(writer, Answer(message.number, results))
