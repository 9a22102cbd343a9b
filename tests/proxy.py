"""A TCP address in front of a server: connections through it can be slow, broken or half open, and lead elsewhere."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from ops.sandbox.embedded_postgres import EmbeddedPostgres

_CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)
Upstream = Path | tuple[str, int]


class Way(Enum):
    """A direction of a connection."""

    TO_SERVER = auto()
    TO_CLIENT = auto()


CutIf = Callable[[Way, bytes], Awaitable[bool]]
BOTH_WAYS = frozenset(Way)


@dataclass(eq=False, slots=True)
class _Line:
    """One connection. `dead` ways stay open and pass nothing, not even that the other side has closed."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    dead: frozenset[Way]
    tasks: "list[asyncio.Task[None]]" = field(default_factory=list)

    def reset(self) -> None:
        """Break it off both ways, as a router does that forgot it."""
        for writer in (self.client, self.server):
            reset(writer)


class Proxy:
    """A context manager. `port` is where it listens, on 127.0.0.1.

    `latency_seconds` is added to every piece of bytes, each way. `cut_if` is asked before bytes are passed on: True
    swallows them and breaks that connection; so of an answer the server has done what it tells, and the client does not
    know. `cuts` counts these. `accepted` is set with each new connection.
    """

    def __init__(self, upstream: Upstream) -> None:
        self.port = 0
        self.latency_seconds = 0.0
        self.cut_if: CutIf | None = None
        self.cuts = 0
        self.accepted = asyncio.Event()
        self._upstream = upstream
        self._dead: frozenset[Way] = frozenset()
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def lead_to(self, upstream: Upstream) -> None:
        """Send new connections elsewhere and break those that are open."""
        self._upstream = upstream
        self.reset()

    def reset(self) -> None:
        """Break all open connections."""
        for line in self._lines:
            line.reset()

    def go_dead(self, ways: frozenset[Way] = BOTH_WAYS) -> None:
        """Pass nothing these ways from now on, on connections that are open and on new ones: all look alive."""
        self._dead = ways
        for line in self._lines:
            line.dead |= ways

    def mend(self) -> None:
        """Let new connections pass again. Those that went dead stay so, as they do when a router has forgotten them."""
        self._dead = frozenset()

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        self.accepted.set()
        # A task of the streams module must not end as cancelled: it would log that as an error.
        with contextlib.suppress(asyncio.CancelledError):
            try:
                from_server, to_server = await self._connect()
            except OSError:
                to_client.transport.abort()
                return
            line = _Line(to_client, to_server, self._dead)
            self._lines.add(line)
            asking = asyncio.create_task(self._pass_on(line, Way.TO_SERVER, from_client, to_server))
            answering = asyncio.create_task(self._pass_on(line, Way.TO_CLIENT, from_server, to_client))
            try:
                await asyncio.wait((asking, answering))
            finally:
                self._lines.discard(line)
                for passing in (asking, answering):
                    passing.cancel()
                to_server.close()
                to_client.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._upstream, Path):
            return await asyncio.open_unix_connection(str(self._upstream))
        return await asyncio.open_connection(*self._upstream)

    async def _pass_on(self, line: _Line, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on one way until its sender ends or the connection breaks."""
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.latency_seconds:
                    await asyncio.sleep(self.latency_seconds)
                if way in line.dead:
                    continue
                if self.cut_if is not None and await self.cut_if(way, chunk):
                    self.cuts += 1
                    line.reset()
                    return
                writer.write(chunk)
                await writer.drain()
        except OSError:
            if way not in line.dead:
                line.reset()
            return
        if way not in line.dead:
            writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off: the other side sees a reset, not an end."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.family != socket.AF_UNIX and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


def socket_of(server: EmbeddedPostgres) -> Path:
    """Return the Unix socket of a server."""
    return server.scratch / f".s.PGSQL.{server.port}"


class PostgresProxy(Proxy):
    """A proxy in front of the server of a database's address."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._parts = parts
        query = parse_qs(parts.query)
        if "host" in query:
            upstream: Upstream = Path(query["host"][0]) / f".s.PGSQL.{query['port'][0]}"
        else:
            upstream = (parts.hostname or "127.0.0.1", parts.port or 5432)
        super().__init__(upstream)

    @property
    def url(self) -> str:
        """The database's address by way of the proxy."""
        return self.url_of(self._parts.path.removeprefix("/"))

    def url_of(self, database: str) -> str:
        """Return the address of another database of the server."""
        login = self._parts.netloc.rpartition("@")[0]
        netloc = f"{login or 'postgres'}@127.0.0.1:{self.port}"
        return urlunsplit((self._parts.scheme, netloc, f"/{quote(database)}", "", ""))
