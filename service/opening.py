"""Opens the database for a process: its pools, its keys, what appends and what rebuilds."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from eventstore.appender import Appender, AppenderLimits, OnAppended
from eventstore.clock import Clock, SystemClock
from eventstore.connection import Plans, Pool, closing, open_pool
from eventstore.credentials import Credentials
from eventstore.errors import LedgerBehind
from eventstore.event import AppendResult
from eventstore.keyring import Keyring, MasterKey
from eventstore.store import LedgerReader
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from service.ledger_parts import Ledger
from service.settings import Settings
from service.telemetry.logs import LogEvent


@asynccontextmanager
async def open_ledger_parts(
    settings: Settings,
    on_batch: Callable[[Sequence[AppendResult]], None] | None = None,
    on_failure: Callable[[BaseException, int], None] = lambda _error, _facts: None,
    on_appended: OnAppended | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Ledger]:
    """Open the database and the keys; close them in the end. `on_failure` counts facts that could not be appended."""
    master = MasterKey.from_file(settings.sealing_key_file)
    # What is appended and what is folded is written on connections of their own, which keep their plans; together with
    # all others, but for the one of fresh sales, they are what the setting allows.
    kept_connections = max(1, settings.database_connections_max // 2)
    clock = clock or SystemClock()
    limits = AppenderLimits(
        batch_facts_max=settings.append_batch_facts_max,
        queue_facts_max=settings.append_queue_facts_max,
        queue_bytes_max=settings.append_queue_bytes_max,
    )

    def note_failure(error: BaseException, facts: int) -> None:
        on_failure(error, facts)
        if isinstance(error, LedgerBehind):
            # What was committed with the lost facts may be lost too: above all the keys that persons are sealed with.
            keyring.forget()
            structlog.get_logger().critical(
                LogEvent.LEDGER_FACTS_LOST, store=error.store_id, acknowledged=error.acknowledged, found=error.found
            )

    async with (
        _pool(settings, connections_max=max(1, settings.database_connections_max - kept_connections)) as pool,
        _pool(settings, connections_max=kept_connections, plans="kept") as kept,
    ):
        keyring = Keyring(pool, master)
        appender = Appender(kept, clock, limits, on_batch, note_failure, on_appended)
        try:
            yield Ledger(
                pool=pool,
                kept=kept,
                clock=clock,
                reader=LedgerReader(pool, settings.archive_folder),
                appender=appender,
                master=master,
                credentials=Credentials(pool, master),
                keyring=keyring,
            )
        finally:
            await appender.flush()


@asynccontextmanager
async def _pool(settings: Settings, *, connections_max: int, plans: Plans = "anew") -> AsyncIterator[Pool]:
    pool = await open_pool(
        settings.database_url.reveal(),
        role=settings.database_role or None,
        connections_max=connections_max,
        statement_cache_size=settings.statement_cache_size,
        plans=plans,
    )
    async with closing(pool):
        yield pool


@asynccontextmanager
async def open_young(settings: Settings) -> AsyncIterator[Pool | None]:
    """Open the one connection on which a fresh sale goes; behind a pooler no plan is kept."""
    if settings.statement_cache_size == 0:
        yield None
        return
    async with _pool(settings, connections_max=1, plans="young") as pool:
        yield pool


@asynccontextmanager
async def open_rebuilder(settings: Settings, ledger: Ledger) -> AsyncIterator[Rebuilder]:
    """Open what rebuilds projections in their shadow."""
    shadow_pool = await open_pool(
        settings.database_url.reveal(),
        role=settings.database_role or None,
        connections_max=2,
        statement_cache_size=settings.statement_cache_size,
        search_path=SHADOW_SEARCH_PATH,
    )
    async with closing(shadow_pool):
        yield Rebuilder(ledger.pool, shadow_pool, ledger.reader)
