"""Lets time in: appends a fact when a scheduled time of a store has come. Folds know no clock."""

from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.event import Appended, NewFact
from eventstore.facts.registry import encode
from eventstore.facts.settings import (
    SYNC_STREAM_PREFIX,
    SalesSync,
    SyncFact,
    SyncRequested,
    SyncWindowOpened,
    TransferSync,
)
from projections.changes.windows import last_window
from projections.store_settings.queries import read_settings

_WITH_TIMES = ("scheduled", "shift_closing")

Scope = Literal["transfers", "sales"]


class Opened(msgspec.Struct, frozen=True):
    """A window: what it is for, until when it lets go, and whether it is new (False: somebody opened it before)."""

    scope: Scope
    until: datetime
    is_new: bool = False


class Scheduler:
    """Opens sync windows, one store a step. Any number of processes may step: a window is one fact."""

    def __init__(self, pool: Pool, appender: Appender, clock: Clock) -> None:
        self._pool = pool
        self._appender = appender
        self._clock = clock
        self._opened: dict[tuple[str, Scope], datetime] = {}

    async def step(self, store_id: str) -> tuple[Opened, ...]:
        """Open the last window of each scope that has come, however late. Those missed before it are covered by it.

        A store that is not live, or sends otherwise, has none. Where sales go with their shifts, the daily time lets go
        those without a register.
        """
        settings = await read_settings(self._pool, store_id)
        connection = settings.connection
        if connection is None or settings.live_mode is None:
            return ()
        schedules: dict[Scope, TransferSync | SalesSync] = {
            "transfers": connection.transfer_sync,
            "sales": settings.rules.sync,
        }
        now, since = self._clock.now(), settings.live_mode[1].activated_at
        opened = []
        for scope, sync in schedules.items():
            if sync.mode not in _WITH_TIMES or not sync.times:
                continue
            window = last_window(sync, connection.time_zone, now).astimezone(UTC)
            # A window that came before Live Mode has nothing to let go.
            if window > since and self._opened.get((store_id, scope)) != window:
                opened.append(await self._open(store_id, scope, window, now))
        return tuple(opened)

    async def _open(self, store_id: str, scope: Scope, window: datetime, now: datetime) -> Opened:
        fact = sync_fact(SyncWindowOpened(scope=scope, until=window), f"window:{scope}:{window:%Y%m%dT%H%M}", now)
        (result,) = await self._appender.append(store_id, [fact])
        self._opened[store_id, scope] = window
        return Opened(scope, window, isinstance(result, Appended))


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
