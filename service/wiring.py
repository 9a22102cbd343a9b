"""Joins the parts into one process. The only place that knows all of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from uuid import uuid4

import aiohttp
import msgspec
import structlog
from aiohttp import web

from eventstore.batch import Decided
from eventstore.clock import Clock, SystemClock
from eventstore.connection import CONNECTION_ERRORS
from eventstore.errors import LedgerBehind
from eventstore.follow import Tail
from eventstore.lease import SharedStores, StoreLeases
from eventstore.store import login_may_change_facts
from eventstore.wake import WakeLine, open_line
from projections.jurnal_commands.queue import SendQueue
from projections.runner import Runner
from projections.store_settings.queries import read_settings
from service.answer_ledger import AnswerLedger
from service.api.health import Heartbeat, Liveness, Readiness, operations_routes
from service.api.responses import problems
from service.api.routes import api_routes
from service.api_answers import ApiAnswers
from service.asking import preflight_of
from service.choosing import BatchLimits
from service.company_lease import CompanyLeases
from service.comparison import Comparison
from service.credential_names import ISELLER_API_KEY
from service.daily_look import DailyLook
from service.dispatcher import Dispatcher
from service.failing import Failing
from service.fence import Fence
from service.followers import Followers, FollowLimits
from service.inquiry import Inquiry
from service.iseller.client import IsellerClient
from service.iseller.cursor import PollCursors
from service.iseller.endpoint_pass import EndpointPass
from service.iseller.intake import Intake
from service.iseller.poll import IsellerConnection, Poller, PollSettings
from service.iseller.requested_read import RequestedReads
from service.iseller.routes import BodyLimits, IntakeDependencies, intake_routes
from service.iseller.verify import WebhookLimits
from service.jurnal.client import open_session
from service.jurnal.refusals import phrases
from service.jurnal_way import jurnal_calls, package_of
from service.ledger_parts import Ledger
from service.live_mode import LiveMode
from service.master_data import MasterDataDirectory
from service.migrate import missing_migrations
from service.observation import Observation
from service.opening import open_ledger_parts, open_young
from service.own_clock import OwnClock
from service.reconcile_schedule import ReconcileSchedule
from service.reconciliation_ledger import ReconciliationLedger
from service.restore_guard import RestoreGuard
from service.run import HEARTBEAT_SECONDS_MAX, Loops, Pace
from service.scheduler import Scheduler
from service.settings import Settings
from service.setup_api import settings_calls
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics, request_metrics

VERSION = "0.1.0"
_API_KEY_SECONDS = 5.0


class Outside(msgspec.Struct, frozen=True):
    """What a process gets from outside besides its database: the time, and sessions, which it closes.

    `pace`: how often its loops turn when there is nothing to do; None: as the settings say.
    """

    clock: Clock = msgspec.field(default_factory=SystemClock)
    pace: Pace | None = None
    jurnal_session: Callable[[], aiohttp.ClientSession] = open_session
    iseller_session: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession


class Service(msgspec.Struct, frozen=True):
    """The parts that serve: the loops, and the two web applications."""

    loops: Loops
    public: web.Application
    operations: web.Application
    draining: "Draining"


class Draining:
    """Whether the process is on its way out; readiness is off from then on."""

    def __init__(self) -> None:
        self.on = False


@asynccontextmanager
async def open_service(settings: Settings, outside: Outside | None = None) -> AsyncIterator[Service]:
    """Open everything that `serve` runs. `outside` is the real world if it is None."""
    outside = outside or Outside()
    async with AsyncExitStack() as stack:
        metrics = Metrics(VERSION)

        def on_appended(store_id: str, decided: Decided) -> None:
            followers.appended(store_id, decided)

        def on_failure(error: BaseException, facts: int) -> None:
            metrics.append_failed(error, facts)
            if isinstance(error, LedgerBehind):
                followers.forget(error.store_id)
                guard.forget()

        ledger = await stack.enter_async_context(
            open_ledger_parts(settings, metrics.batch_appended, on_failure, on_appended, outside.clock)
        )
        iseller_session = await stack.enter_async_context(outside.iseller_session())
        jurnal_session = await stack.enter_async_context(outside.jurnal_session())
        metrics.append_queue_facts.set_function(lambda: ledger.appender.queued_facts)
        if await login_may_change_facts(ledger.pool):
            structlog.get_logger().warning(LogEvent.OWNER_LOGIN_USED)
        owner = uuid4()
        # So that at least half of a deadline is left for Jurnal's answer.
        own_clock = OwnClock(
            ledger.clock, off_seconds_max=settings.jurnal_deadline_seconds / 2, on_compared=metrics.clock_compared
        )
        leases = StoreLeases(ledger.pool, owner, lease_seconds=settings.lease_seconds)
        failing = Failing(ledger.clock, metrics)
        followers = _followers(settings, ledger, leases, metrics, failing)
        queue = SendQueue(ledger.pool)
        calls = jurnal_calls(settings, ledger.pool, ledger.clock, ledger.credentials, jurnal_session, metrics, owner)
        directory = MasterDataDirectory(ledger.pool, ledger.appender, queue, calls, ledger.clock)
        preflight = preflight_of(ledger, calls, directory, iseller_session)
        live_mode = LiveMode(ledger.reader, ledger.appender, preflight, ledger.clock)
        intake = Intake(
            ledger.reader,
            ledger.appender,
            ledger.keyring,
            ledger.clock,
            on_incident=metrics.integrity_incidents_total.inc,
        )
        reconciliation = ReconciliationLedger(ledger.pool, ledger.appender, ledger.clock)
        guard = RestoreGuard(ledger.pool, queue, calls, reconciliation)
        dispatcher = Dispatcher(
            ledger.pool,
            AnswerLedger(ledger.pool, ledger.appender, ledger.reader),
            queue,
            CompanyLeases(ledger.pool, owner, lease_seconds=settings.lease_seconds, own_clock=own_clock),
            calls,
            Inquiry(queue, calls, directory, ledger.people, settings.jurnal_package_time_zone),
            Fence(
                date_skew_seconds=settings.jurnal_date_skew_seconds,
                processing_allowance_seconds=settings.jurnal_processing_allowance_seconds,
                quiet_period_seconds=settings.jurnal_quiet_period_seconds,
            ),
            limits=BatchLimits(rows_max=settings.batch_rows_max, wait_seconds=settings.batch_wait_seconds),
            stock_words=phrases(settings.jurnal_short_of_stock_words),
            guard=guard,
            young=await stack.enter_async_context(open_young(settings)),
        )
        loops = Loops(
            pool=ledger.pool,
            clock=ledger.clock,
            own_clock=own_clock,
            reader=ledger.reader,
            leases=leases,
            followers=followers,
            dispatcher=dispatcher,
            poller=_poller(settings, ledger, intake, iseller_session),
            scheduler=Scheduler(ledger.pool, ledger.appender, ledger.clock),
            reconcile_schedule=ReconcileSchedule(
                ledger.pool,
                ledger.reader,
                ledger.clock,
                partial(Comparison, ledger.pool, queue, calls, reconciliation, ledger.people),
                lambda compared: metrics.compared(compared.new_by_kind),
                local_hour=settings.reconcile_local_hour,
                days=settings.reconcile_days,
            ),
            daily_look=DailyLook(ledger.pool, directory, ledger.clock),
            observation=Observation(ledger.pool, ledger.reader, ledger.clock, metrics, package_of(settings)),
            metrics=metrics,
            failing=failing,
            pace=outside.pace or Pace(follow_wait_seconds=settings.follow_wait_seconds),
        )
        answers = ApiAnswers(
            ledger.pool,
            ledger.reader,
            ledger.appender,
            ledger.clock,
            preflight,
            live_mode,
            ledger.operations,
            loops.wake_poller,
        )
        draining = Draining()
        public = _public(settings, ledger, intake, loops, answers, metrics)
        operations = _operations(settings, ledger, own_clock, loops, metrics, draining)
        yield Service(loops, public, operations, draining)


def _followers(
    settings: Settings, ledger: Ledger, leases: StoreLeases, metrics: Metrics, failing: Failing
) -> Followers:
    tail = Tail()
    followers = Followers(
        pool=ledger.pool,
        clock=ledger.clock,
        shared=SharedStores(leases),
        runner=Runner(ledger.pool, ledger.reader, tail=tail, saves=ledger.kept),
        tail=tail,
        metrics=metrics,
        failing=failing,
        limits=FollowLimits(settings.fold_batch_facts_max, settings.follow_wait_seconds),
    )
    if settings.follow_by_notify == "yes":
        url, cache = settings.database_url.reveal(), settings.statement_cache_size
        followers.listen_on(WakeLine(partial(open_line, url, statement_cache_size=cache), followers.told))
    return followers


def _poller(settings: Settings, ledger: Ledger, intake: Intake, session: aiohttp.ClientSession) -> Poller:
    async def connection_of(store_id: str) -> IsellerConnection | None:
        connection = (await read_settings(ledger.pool, store_id)).connection
        return (
            None
            if connection is None
            else IsellerConnection(url=connection.iseller_url, time_zone=connection.time_zone)
        )

    poll = PollSettings(
        interval_seconds=settings.poll_interval_seconds,
        overlap_seconds=settings.poll_overlap_seconds,
        page_facts_max=settings.poll_page_facts_max,
        sweep_days=settings.sweep_days,
        sweep_local_hour=settings.sweep_local_hour,
    )
    client = IsellerClient(session, ledger.credentials, ledger.pool, ledger.clock)
    endpoint_pass = EndpointPass(client, intake, ledger.reader, PollCursors(ledger.pool), poll)
    requested_reads = RequestedReads(client, intake, ledger.reader, ledger.pool, poll)
    return Poller(endpoint_pass, requested_reads, ledger.clock, connection_of, poll)


def _public(
    settings: Settings, ledger: Ledger, intake: Intake, loops: Loops, answers: ApiAnswers, metrics: Metrics
) -> web.Application:
    keys: dict[str, tuple[float, bytes | None]] = {}

    async def api_key_of(store_id: str) -> bytes | None:
        now = ledger.clock.now().timestamp()
        read_at, key = keys.get(store_id, (0.0, None))
        if key is None or now - read_at > _API_KEY_SECONDS:
            key = await ledger.credentials.read(store_id, ISELLER_API_KEY)
            keys[store_id] = (now, key)
        return key

    def on_taken(outcome: str) -> None:
        if outcome == "unreadable":
            metrics.payloads_unreadable_total.inc()

    app = web.Application(middlewares=[request_metrics(metrics), problems], client_max_size=settings.body_bytes_max)
    app.add_routes(
        intake_routes(
            IntakeDependencies(
                intake=intake,
                clock=ledger.clock,
                api_key_of=api_key_of,
                wake_poller=loops.wake_poller,
                webhook_limits=WebhookLimits(
                    stale_seconds_max=settings.webhook_stale_seconds_max,
                    future_seconds_max=settings.webhook_future_seconds_max,
                ),
                body_limits=BodyLimits(body_bytes_max=settings.body_bytes_max),
                on_refused=metrics.webhook_refused,
                on_taken=on_taken,
            )
        )
    )
    app.add_routes(
        api_routes(answers.queries(), answers.actions(), settings_calls(ledger.setup), settings.api_token.reveal())
    )
    metrics.start_routes(app)
    return app


def _operations(
    settings: Settings, ledger: Ledger, own_clock: OwnClock, loops: Loops, metrics: Metrics, draining: Draining
) -> web.Application:
    async def ready() -> Readiness:
        reachable, in_range = True, False
        try:
            async with ledger.pool.acquire() as connection:
                await own_clock.ask(connection)
                in_range = not await missing_migrations(connection)
        except CONNECTION_ERRORS:
            reachable = False
        off = own_clock.off_seconds
        return Readiness(
            database_reachable=reachable,
            schema_in_range=in_range,
            # Beyond it every webhook of now would be turned away here, and taken elsewhere.
            clock_in_range=-settings.webhook_future_seconds_max <= off <= settings.webhook_stale_seconds_max,
            clock=own_clock.told(),
            draining=draining.on,
        )

    def alive() -> Liveness:
        return Liveness(
            heartbeats=tuple(
                Heartbeat(loop=loop, age_seconds=age, age_seconds_max=HEARTBEAT_SECONDS_MAX)
                for loop, age in loops.heartbeats().items()
            )
        )

    app = web.Application()
    app.add_routes(operations_routes(ready, alive, metrics.registry))
    return app
