"""Lets time in: appends a fact when a scheduled time of a store has come. Folds know no clock."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.event import Appended, NewFact
from eventstore.facts.registry import encode
from eventstore.facts.settings import SYNC_STREAM_PREFIX, SyncFact, SyncRequested, SyncWindowOpened
from projections.changes.windows import last_window
from projections.store_settings.queries import read_settings


class Scheduled(msgspec.Struct, frozen=True):
    """What one step did: the window it opened (None: nothing has come), and whether it was open already."""

    opened: datetime | None = None
    is_new: bool = False


class Scheduler:
    """Opens sync windows, one store a step. Any number of processes may step: a window is one fact."""

    def __init__(self, pool: Pool, appender: Appender, clock: Clock) -> None:
        self._pool = pool
        self._appender = appender
        self._clock = clock
        self._opened: dict[str, datetime] = {}

    async def step(self, store_id: str) -> Scheduled:
        """Open the last window that has come, however late. Those missed before it are covered by it.

        A store that is not live or sends transfers otherwise has none.
        """
        settings = await read_settings(self._pool, store_id)
        connection = settings.connection
        if connection is None or settings.live_mode is None:
            return Scheduled()
        if connection.transfer_sync.mode != "scheduled" or not connection.transfer_sync.times:
            return Scheduled()
        now = self._clock.now()
        window = last_window(connection.transfer_sync, connection.time_zone, now).astimezone(UTC)
        # A window that came before Live Mode has nothing to let go.
        if window <= settings.live_mode[1].activated_at or self._opened.get(store_id) == window:
            return Scheduled()
        fact = sync_fact(
            SyncWindowOpened(scope="transfers", until=window), f"window:transfers:{window:%Y%m%dT%H%M}", now
        )
        (result,) = await self._appender.append(store_id, [fact])
        self._opened[store_id] = window
        return Scheduled(window, isinstance(result, Appended))


async def request_sync(appender: Appender, clock: Clock, store_id: str, requested: SyncRequested) -> int:
    """Append that a person asked for a sync; return the position. Asked again, it lets nothing go twice."""
    (result,) = await appender.append(store_id, [sync_fact(requested, f"operator:{uuid4()}", clock.now())])
    assert isinstance(result, Appended)
    return result.position


def sync_fact(sync: SyncFact, source_id: str, at: datetime) -> NewFact:
    """Return the fact that a sync window came or was asked for."""
    name, version, body = encode(sync)
    return NewFact(
        stream_id=f"{SYNC_STREAM_PREFIX}{sync.scope}",
        type=name,
        schema_version=version,
        source_id=source_id,
        observed_at=at,
        body=body,
    )
