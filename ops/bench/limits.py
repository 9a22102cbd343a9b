"""What this machine can do at best: asyncpg on a minimal table, without checks, chain or sealing."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import asyncpg
import msgspec

from ops.bench.measure import Sample, latencies
from ops.bench.payload import LookUpBody, Orders
from ops.bench.spent import clocked

# pos, stream, version, type, data, metadata
EventRow = tuple[int, str, int, str, bytes, bytes]


def _statement(name: str) -> str:
    return files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


class Limits:
    """The limit's connections to a database of its own, which holds nothing but its table."""

    def __init__(self, connections: Sequence["asyncpg.Connection[asyncpg.Record]"]) -> None:
        self._connections = connections
        self._orders = Orders()

    async def insert_singly(self, rows_a_connection: int) -> Sample:
        """Return rows/s of one prepared INSERT a commit on every connection at once."""
        shares = [self._orders.rows(rows_a_connection) for _ in self._connections]
        prepared = [await connection.prepare(_statement("insert_event")) for connection in self._connections]
        with clocked() as spent:
            taken = await asyncio.gather(
                *(_each(statement, share) for statement, share in zip(prepared, shares, strict=True))
            )
        rows = rows_a_connection * len(self._connections)
        waited = latencies([one for share in taken for one in share])
        return Sample(rows / spent.seconds, *waited, *spent.each(rows))

    async def insert_many(self, rows_a_connection: int, *, rows_a_statement: int = 100) -> Sample:
        """Return rows/s of INSERT over unnest, one statement a commit, on every connection at once."""
        shares = [
            [_columns(self._orders.rows(rows_a_statement)) for _ in range(rows_a_connection // rows_a_statement)]
            for _ in self._connections
        ]
        prepared = [await connection.prepare(_statement("insert_events")) for connection in self._connections]
        with clocked() as spent:
            await asyncio.gather(*(_each(statement, share) for statement, share in zip(prepared, shares, strict=True)))
        rows = sum(len(share) for share in shares) * rows_a_statement
        return Sample(rows / spent.seconds, None, None, *spent.each(rows))

    async def copy(self, bodies: Sequence[bytes], *, rows_a_copy: int = 1_000) -> Sample:
        """Return rows/s of COPY of rows with these bodies, so many a commit, on every connection at once."""
        now = datetime.now(UTC)
        records = [
            (*row[:4], body, row[5], now) for row, body in zip(self._orders.rows(len(bodies)), bodies, strict=True)
        ]
        copies = iter([records[start : start + rows_a_copy] for start in range(0, len(records), rows_a_copy)])

        async def copy_each(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            for share in copies:
                await connection.copy_records_to_table("events", records=share)

        with clocked() as spent:
            await asyncio.gather(*(copy_each(connection) for connection in self._connections))
        return Sample(len(bodies) / spent.seconds, None, None, *spent.each(len(bodies)))

    async def read_pages(self, body: type[msgspec.Struct], *, rows_a_page: int = 2_000) -> Sample:
        """Return rows/s of reading the whole table, the next page on its way while the last is decoded."""
        decoder = msgspec.json.Decoder(body)
        statement = await self._connections[0].prepare(_statement("read_page"))
        rows = 0
        with clocked() as spent:
            page = await statement.fetch(0, rows_a_page)
            while page:
                following = asyncio.create_task(statement.fetch(page[-1]["pos"], rows_a_page))
                # Send the question before decoding; without this the two would take turns.
                await asyncio.sleep(0)
                for record in page:
                    decoder.decode(record["data"])
                rows += len(page)
                page = await following
        return Sample(rows / spent.seconds, None, None, *spent.each(rows))

    async def follow(self, bodies: Sequence[bytes]) -> Sample:
        """Return the median ms of INSERT, page SELECT, upsert and commit in sequence on one connection."""
        connection = self._connections[0]
        decoder = msgspec.json.Decoder(LookUpBody)
        insert = await connection.prepare(_statement("insert_event"))
        read = await connection.prepare(_statement("read_page"))
        save = await connection.prepare(_statement("save_read_model"))
        taken = []
        rows = self._orders.rows(len(bodies))
        with clocked() as spent:
            for row, body in zip(rows, bodies, strict=True):
                started = time.perf_counter()
                await insert.fetch(*row[:4], body, row[5])
                page = await read.fetch(row[0] - 1, 100)
                async with connection.transaction():
                    for record in page:
                        await save.fetch(record["stream"], record["version"], decoder.decode(record["data"]).name)
                taken.append(time.perf_counter() - started)
        p50_ms, p99_ms = latencies(taken)
        return Sample(p50_ms, p50_ms, p99_ms, *spent.each(len(bodies)))


@asynccontextmanager
async def open_limits(url: str, *, connections: int) -> AsyncIterator[Limits]:
    """Make the limit's tables in the empty database at `url` and open `connections` to it."""
    opened = [await asyncpg.connect(url, server_settings={"jit": "off"}) for _ in range(connections)]
    try:
        await opened[0].execute(_statement("create_events"))
        await opened[0].execute(_statement("create_read_model"))
        yield Limits(opened)
    finally:
        for connection in opened:
            await connection.close()


async def _each(statement: Any, share: Sequence[Sequence[Any]]) -> list[float]:
    taken = []
    for arguments in share:
        started = time.perf_counter()
        await statement.fetch(*arguments)
        taken.append(time.perf_counter() - started)
    return taken


def _columns(rows: Sequence[EventRow]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
