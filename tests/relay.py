"""A TCP address that stays while the server behind it changes: what a load balancer is to a failover."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from ops.sandbox.embedded_postgres import EmbeddedPostgres


class Relay:
    """Passes every connection on to the Unix socket of the server that `lead_to` named last."""

    def __init__(self) -> None:
        self.port = 0
        self._socket = Path()
        self._open: set[asyncio.StreamWriter] = set()

    def url(self, database: str) -> str:
        """Address of a database of whichever server it leads to."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{quote(database)}"

    def lead_to(self, server: EmbeddedPostgres) -> None:
        """Send new connections to `server` and break those that are open."""
        self._socket = server.scratch / f".s.PGSQL.{server.port}"
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on one connection until either side ends it."""
        try:
            behind_reader, behind_writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, behind_writer}
        await asyncio.gather(_pass_on(reader, behind_writer), _pass_on(behind_reader, writer))
        self._open -= {writer, behind_writer}


@asynccontextmanager
async def relay_to(server: EmbeddedPostgres) -> AsyncIterator[Relay]:
    """Give an address that leads to `server` until told otherwise."""
    relay = Relay()
    relay.lead_to(server)
    listening = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.port = listening.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        listening.close()
        relay.lead_to(server)
        await asyncio.sleep(0)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
