"""Breaks things while others work, as the plan says."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from eventstore.connection import CONNECTION_ERRORS, Connection
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from tests.faults.plan import Fault, FaultKind, Plan
from tests.faults.writers import ProcessWriters
from tests.proxy import PostgresProxy, Way

PAUSE_SECONDS = 0.05
HOLD_SECONDS = 0.03
_READY_AND_IDLE = b"Z\x00\x00\x00\x05I"
_WROTE = (b"INSERT 0 ", b"UPDATE ", b"COMMIT\x00", b"COPY ")
_KILL = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid OFFSET $1 LIMIT $2
) AS chosen
"""
_COUNT_BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_HOLD_HEAD = "SELECT 1 FROM ledger_head WHERE store_id = $1 FOR UPDATE"
_END_LEASES = "UPDATE store_lease SET expires_at = '-infinity' WHERE store_id = $1"
Choice = TypeVar("Choice")


class Faults:
    """Injects a plan's faults; `injected` counts those that hit something."""

    def __init__(
        self,
        url: str,
        server: EmbeddedPostgres,
        processes: ProcessWriters,
        proxies: Sequence[PostgresProxy],
        plan: Plan,
    ) -> None:
        self._url = url
        self._server = server
        self._processes = processes
        self._proxies = proxies
        self._plan = plan
        self._armed: list[PostgresProxy] = []
        self.injected: Counter[str] = Counter()

    async def run(self, ended: Callable[[int], Awaitable[None]]) -> None:
        """Inject each fault once `ended` says that enough calls have ended."""
        for fault in self._plan.faults:
            await ended(fault.after_calls)
            self.injected[fault.kind] += await self._inject(fault)

    def mend(self) -> None:
        """Swallow nothing any more, and count what was swallowed."""
        for proxy in self._armed:
            self.injected[FaultKind.SWALLOW_ANSWER] += proxy.cuts
            proxy.cuts, proxy.cut_if = 0, None

    async def _inject(self, fault: Fault) -> int:
        match fault.kind:
            case FaultKind.KILL_BACKENDS:
                return await self._as_owner(lambda connection: connection.fetchval(_KILL, 0, None))
            case FaultKind.KILL_BACKEND:
                return await self._as_owner(lambda connection: self._kill_one(connection, fault.target))
            case FaultKind.KILL_PROCESS:
                self._processes.kill(self._process(fault.target))
            case FaultKind.PAUSE_PROCESS:
                await self._processes.pause(self._process(fault.target), PAUSE_SECONDS)
            case FaultKind.SWALLOW_ANSWER:
                proxy = _chosen(self._proxies, fault.target)
                _swallow_one_answer(proxy)
                self._armed.append(proxy)
                return 0  # counted once it has happened
            case FaultKind.HOLD_HEAD:
                await self._as_owner(lambda connection: self._hold(connection, fault.target))
            case FaultKind.END_LEASE:
                store_id = _chosen(self._plan.stores, fault.target)
                await self._as_owner(lambda connection: connection.execute(_END_LEASES, store_id))
            case FaultKind.RESTART_FAST:
                self._server.restart("fast")
            case FaultKind.RESTART_IMMEDIATE:
                self._server.restart("immediate")
        return 1

    def _process(self, target: float) -> int:
        return _chosen([number for number, is_process in enumerate(self._plan.writers) if is_process], target)

    async def _kill_one(self, connection: Connection, target: float) -> int:
        backends = await connection.fetchval(_COUNT_BACKENDS)
        killed = await connection.fetchval(_KILL, int(target * backends), 1)
        assert isinstance(killed, int)
        return killed

    async def _hold(self, connection: Connection, target: float) -> None:
        async with connection.transaction():
            await connection.execute(_HOLD_HEAD, _chosen(self._plan.stores, target))
            await asyncio.sleep(HOLD_SECONDS)

    async def _as_owner(self, act: Callable[[Connection], Awaitable[Choice]]) -> Choice:
        """Connect for this one act: a connection kept would not outlive a restart."""
        while True:
            try:
                connection = await asyncpg.connect(self._url)
            except CONNECTION_ERRORS:
                await asyncio.sleep(0.01)
                continue
            try:
                return await act(connection)
            finally:
                await connection.close()


def _chosen(among: Sequence[Choice], target: float) -> Choice:
    return among[int(target * len(among))]


def _swallow_one_answer(proxy: PostgresProxy) -> None:
    async def answers_a_write(way: Way, chunk: bytes) -> bool:
        if way is Way.TO_SERVER or not _tells_a_write(chunk):
            return False
        proxy.cut_if = None
        return True

    proxy.cut_if = answers_a_write


def _tells_a_write(chunk: bytes) -> bool:
    """Tell whether the server says that something was written and no transaction is open: it is committed."""
    return chunk.endswith(_READY_AND_IDLE) and any(tag in chunk for tag in _WROTE)
