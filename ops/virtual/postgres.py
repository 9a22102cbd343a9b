"""Connections to Postgres that take turns, so that a run does not depend on which of them the server serves first.

A question is what a client writes until the server owes an answer; it ends with `ReadyForQuery` or, where the client
asked only for a flush, with the description of the statement or an error. One question is under way at a time. One
that waits for a lock lets the others by.
"""

import asyncio
import struct
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any

from ops.virtual.process import PROCESS

_FLUSH = b"H\x00\x00\x00\x04"
_CANCEL = b"\x00\x00\x00\x10\x04\xd2\x16\x2e"
_TERMINATE = b"X\x00\x00\x00\x04"
_PROTOCOL = b"\x00\x03\x00\x00"
_READY, _KEY, _AUTHENTICATION = ord("Z"), ord("K"), ord("R")
_WELCOME = b"\0\0\0\0"
_ANSWERED = frozenset((_READY,))
_DESCRIBED = _ANSWERED | frozenset(b"TnE")
# What the client must say something to before the answer goes on: who it is, what it wants to copy.
_CHALLENGES = frozenset(b"RGW")
_HEAD = struct.Struct("!BI")


def nothing() -> None:
    """Do nothing."""


class PostgresTurns:
    """Who may ask now. `before` is called before each question.

    `is_blocked` tells whether a backend awaits a lock that one of the others holds: all whose connection stands. What
    a backend holds that is about to end is given away by itself.

    `asked` counts questions. `wires`: those whose connection stands. `settings`: what each connection is opened with,
    whatever its client asks for.
    """

    def __init__(self) -> None:
        self.before: Callable[[], None] = nothing
        self.is_blocked: Callable[[int, list[int]], bool] | None = None
        self.settings: dict[str, str] = {}
        self.asked = 0
        self.wires: dict[PostgresWire, None] = {}
        self._under_way: dict[PostgresWire, None] = {}
        self._blocked: dict[PostgresWire, None] = {}
        self._answered: dict[PostgresWire, None] = {}
        self._queue: dict[PostgresWire, bytearray] = {}

    def __str__(self) -> str:
        """Say who asks, for a person who wonders why nothing goes on."""
        locked = " behind a lock"
        told = [f"backend {wire.backend}{locked if wire in self._blocked else ''}" for wire in self._under_way]
        return f"Postgres owes an answer to {', '.join(told) or 'nobody'}; {len(self._queue)} wait for their turn"

    def owes(self, wire: "PostgresWire") -> bool:
        """Tell whether the server has not answered a connection yet."""
        return wire in self._under_way

    def is_waiting(self) -> bool:
        """Tell whether an answer is owed by a server that can give it."""
        return len(self._under_way) > len(self._blocked)

    def ask(self, wire: "PostgresWire", written: bytes) -> None:
        """Let a question go in its turn; what belongs to one that is under way goes at once."""
        if wire in self._under_way:
            wire.send(written)
        elif wire in self._queue:
            self._queue[wire] += written
        else:
            self._queue[wire] = bytearray(written)

    def go_on(self) -> None:
        """Tell one answer, or let one question go, now that nothing is left to do before it."""
        if self._tell():
            return
        while self._queue and not self.is_waiting():
            wire = next(iter(self._queue))
            written = bytes(self._queue.pop(wire))
            self.before()
            self.asked += 1
            if wire.asks():
                self._under_way[wire] = None
                wire.send(written)

    def leave(self, wire: "PostgresWire") -> None:
        """Wait for the end of a connection that has said goodbye."""
        self._queue.pop(wire, None)
        self._under_way[wire] = None

    def answered(self, wire: "PostgresWire") -> None:
        """Take a whole answer; it is told in its turn."""
        self._answered[wire] = None

    def ended(self, wire: "PostgresWire") -> None:
        """Take the end of a connection."""
        self._queue.pop(wire, None)
        if wire in self._under_way:
            self._end(wire)

    def look_for_blocked(self) -> None:
        """After a while without an answer: let others by, if it is a lock that is waited for."""
        for wire in self._under_way:
            if wire not in self._blocked and wire not in self._answered and self._awaits_lock(wire):
                self._blocked[wire] = None
        self.go_on()

    def _tell(self) -> bool:
        """Tell the answer whose turn it is: in the order of asking, but after what gave away the lock it waited for."""
        open_first = sorted(self._under_way, key=self._blocked.__contains__)
        wire = next((each for each in open_first if each not in self._blocked or each in self._answered), None)
        if wire is None or wire not in self._answered:
            return False
        self._end(wire)
        wire.tell()
        return True

    def _end(self, wire: "PostgresWire") -> None:
        for told in (self._under_way, self._blocked, self._answered):
            told.pop(wire, None)
        # What was done now may have given away the lock they wait for.
        self._blocked = {
            other: None for other in self._blocked if other not in self._answered and self._awaits_lock(other)
        }

    async def hang_up(self) -> None:
        """End every connection that still stands: of the killed, some whose question was never answered."""
        while self.wires:
            for wire in self.wires:
                wire.hang_up()
            await asyncio.sleep(0)

    def _awaits_lock(self, wire: "PostgresWire") -> bool:
        if self.is_blocked is None or wire.backend is None:
            return False
        return self.is_blocked(wire.backend, [each.backend for each in self.wires if each.backend is not None])


class PostgresWire(asyncio.Transport, asyncio.Protocol):
    """One connection: the transport that the client writes to, and the protocol that hears the server."""

    def __init__(self, turns: PostgresTurns, inner: Any) -> None:
        super().__init__()
        self._turns = turns
        self._inner = inner
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._process = PROCESS.get()
        self._awaited = _ANSWERED
        self._answer = bytearray()
        self._frames = _Frames()
        self._is_severed = False
        self._real: asyncio.Transport | None = None

    @property
    def backend(self) -> int | None:
        """The server's process, once it has told."""
        return self._frames.backend

    def asks(self) -> bool:
        """Count the question for the process; False if that is what ends it."""
        if self._process is not None:
            self._process.asks()
        return not self._is_severed

    def send(self, written: bytes) -> None:
        """Write to the server."""
        self._awaited = _DESCRIBED if written.endswith(_FLUSH) else _ANSWERED
        assert self._real is not None
        self._real.write(written)

    def sever(self) -> None:
        """Let the client hear of the end at once; what was asked the server does to its end."""
        if self._is_severed:
            return
        self._is_severed = True
        self._forget()
        self._loop.call_soon(self._inner.connection_lost, ConnectionResetError("severed"), context=self._context)
        if not self._turns.owes(self) and self._real is not None:
            self._real.abort()

    def hang_up(self) -> None:
        """End the connection, whatever is under way."""
        assert self._real is not None
        self._real.abort()

    def _forget(self) -> None:
        if self._process is not None:
            self._process.connections.pop(self, None)

    # What the server says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the real transport."""
        assert isinstance(transport, asyncio.Transport)
        self._real = transport
        self._turns.wires[self] = None
        if self._process is not None:
            self._process.connections[self] = None
        self._inner.connection_made(self)

    def data_received(self, data: bytes) -> None:
        """Gather an answer until it is whole, so that a run does not depend on the pieces it comes in."""
        kinds = self._frames.feed(data)
        self._answer += data
        if not self._turns.owes(self):
            self._hand_on()
        elif not self._awaited.isdisjoint(kinds):
            self._turns.answered(self)
        elif not _CHALLENGES.isdisjoint(kinds):
            self._hand_on()

    def tell(self) -> None:
        """Let the client hear the answer."""
        self._hand_on()
        if self._is_severed and self._real is not None:
            self._real.abort()

    def _hand_on(self) -> None:
        answer, self._answer = bytes(self._answer), bytearray()
        if answer and not self._is_severed:
            self._loop.call_soon(self._inner.data_received, answer, context=self._context)

    def eof_received(self) -> bool | None:
        """Close, as asyncpg wants it."""
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the client."""
        self._turns.wires.pop(self, None)
        self._forget()
        self._hand_on()
        self._turns.ended(self)
        if not self._is_severed:
            self._is_severed = True
            self._loop.call_soon(self._inner.connection_lost, exc, context=self._context)

    def pause_writing(self) -> None:
        """Hand on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self._inner.resume_writing()

    # What the client does.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Ask in turn. A goodbye and the wish to cancel do not wait for one."""
        written = bytes(data)
        if self._is_severed:
            return
        if written[4:8] == _PROTOCOL:
            written = _opened_with(written, self._turns.settings)
        if written == _TERMINATE or written.startswith(_CANCEL):
            self._turns.leave(self)
            self.send(written)
        else:
            self._turns.ask(self, written)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Ask with several pieces."""
        self.write(b"".join(bytes(data) for data in list_of_data))

    def close(self) -> None:
        """End the connection; what is under way on the server goes on there."""
        self.abort()

    def abort(self) -> None:
        """End the connection; what is under way on the server goes on there."""
        if self._turns.owes(self):
            self.sever()
        elif self._real is not None:
            self._real.abort()

    def is_closing(self) -> bool:
        """Tell whether it ends or has ended."""
        return self._is_severed or self._real is None or self._real.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Ask the real transport."""
        return default if self._real is None else self._real.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        """Ask the real transport."""
        return 0 if self._real is None else self._real.get_write_buffer_size()

    def pause_reading(self) -> None:
        """Ask the real transport."""
        if self._real is not None and not self._real.is_closing():
            self._real.pause_reading()

    def resume_reading(self) -> None:
        """Ask the real transport."""
        if self._real is not None and not self._real.is_closing():
            self._real.resume_reading()


def _opened_with(written: bytes, settings: dict[str, str]) -> bytes:
    """Return the first message of a connection with these settings in it."""
    words = written[8:].split(b"\0")
    asked = dict(zip(words[0::2], words[1::2], strict=False)) | {
        name.encode(): setting.encode() for name, setting in settings.items()
    }
    asked.pop(b"", None)
    told = _PROTOCOL + b"".join(b"%s\0%s\0" % pair for pair in asked.items()) + b"\0"
    return (4 + len(told)).to_bytes(4, "big") + told


class _Frames:
    """Reads the kinds of messages out of the pieces they come in. `backend`: the process that answers, once told."""

    def __init__(self) -> None:
        self.backend: int | None = None
        self._left = b""

    def feed(self, data: bytes) -> list[int]:
        """Return the kind of each message that has come whole."""
        kinds: list[int] = []
        data = self._left + data if self._left else data
        at, end = 0, len(data) - 4
        while at < end:
            kind, length = _HEAD.unpack_from(data, at)
            if at + length >= len(data):
                break
            if kind == _KEY:
                self.backend = int.from_bytes(data[at + 5 : at + 9], "big")
            if kind != _AUTHENTICATION or data[at + 5 : at + 9] != _WELCOME:
                kinds.append(kind)
            at += 1 + length
        self._left = data[at:]
        return kinds
