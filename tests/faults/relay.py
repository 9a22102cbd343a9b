"""Stands between a client and Postgres on a Unix socket, and can cut the line when an answer is on its way back."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

_CHUNK_BYTES = 65_536
_PORT = 5432


class Relay:
    """A way to the server at `url` (over its Unix socket); a context manager.

    `swallow_if` is asked before bytes of the server are passed on: True swallows them and cuts that connection, so the
    server has done what it answered and the client does not know. It is asked no more after it said so.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._upstream = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        # A Unix socket's path may have about 100 characters, fewer than a test's own folder.
        self._folder = Path(tempfile.mkdtemp(prefix="relay-"))
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path}?host={self._folder}&port={_PORT}"
        self.swallow_if: Callable[[bytes], Awaitable[bool]] | None = None
        self.swallowed = 0
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, path=self._folder / f".s.PGSQL.{_PORT}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        try:
            from_server, to_server = await asyncio.open_unix_connection(self._upstream)
        except OSError:
            to_client.close()
            return
        finally:
            line.add_done_callback(self._lines.discard)
        asking = asyncio.create_task(_pass_on(from_client, to_server))
        # A task of the streams module must not end as cancelled: it would log that as an error.
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._pass_answers(from_server, to_client)
        finally:
            asking.cancel()
            to_server.close()
            to_client.close()

    async def _pass_answers(self, from_server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await from_server.read(_CHUNK_BYTES):
                if self.swallow_if is not None and await self.swallow_if(chunk):
                    self.swallow_if = None
                    self.swallowed += 1
                    return
                to_client.write(chunk)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
        writer.close()
