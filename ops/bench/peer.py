"""The outside anchor: the package `eventsourcing` on its own table of the same server, if it is installed.

It comes with the development packages; what ships does not need it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from ops.bench.limits import EventRow
from ops.bench.measure import Sample
from ops.bench.payload import FACTS_A_STREAM, Orders


class Peer:
    """Its application recorder, which locks the table so that readers lose nothing; one thread a writer."""

    def __init__(self, recorder: Any, stored_event: Any) -> None:
        self._recorder = recorder
        self._stored_event = stored_event
        self._orders = Orders()

    async def append(self, facts: int, *, writers: int, facts_a_call: int = 1) -> Sample:
        """Return events/s of `writers` threads, each waiting for its call before the next."""
        events = [self._event(row) for row in self._orders.rows(facts)]
        calls = iter([events[start : start + facts_a_call] for start in range(0, facts, facts_a_call)])

        def write() -> None:
            for call in calls:
                self._recorder.insert_events(call)

        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(writers) as threads:
            started = time.perf_counter()
            await asyncio.gather(*(loop.run_in_executor(threads, write) for _ in range(writers)))
            return Sample(facts / (time.perf_counter() - started))

    def _event(self, row: EventRow) -> Any:
        # Its state is one column: body and metadata together.
        return self._stored_event(
            originator_id=UUID(int=(row[0] - 1) // FACTS_A_STREAM), originator_version=row[2], topic=row[3],
            state=row[4] + row[5],
        )  # fmt: skip


@asynccontextmanager
async def open_peer(url: str, *, connections: int) -> AsyncIterator[Peer | None]:
    """Make its table in the empty database at `url`; None if the package is not installed."""
    if find_spec("eventsourcing") is None or find_spec("psycopg") is None:
        yield None
        return
    address = urlsplit(url)
    query = parse_qs(address.query)
    postgres, persistence = import_module("eventsourcing.postgres"), import_module("eventsourcing.persistence")
    datastore = postgres.PostgresDatastore(
        dbname=address.path.removeprefix("/"),
        host=query["host"][0],
        port=query["port"][0],
        user=address.username,
        password="",
        pool_size=connections,
    )
    with datastore:
        recorder = postgres.PostgresApplicationRecorder(datastore)
        recorder.create_table()
        yield Peer(recorder, persistence.StoredEvent)
