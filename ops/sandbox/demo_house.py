"""Everything that runs in a demo: the database, both sandboxes, the service, and the accountant who looks at it."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, TCPConnector, web

from ops.sandbox.demo_accountant import Accountant
from ops.sandbox.demo_database import DemoDatabase
from ops.sandbox.demo_folder import DemoFolder, Secrets
from ops.sandbox.demo_options import DemoOptions
from ops.sandbox.demo_ports import free_port
from ops.sandbox.demo_process import ServiceProcess
from ops.sandbox.demo_service_api import ServiceApi
from ops.sandbox.demo_setup import ACCOUNTANT_CLIENT_ID, ISELLER_CLIENT_ID, SERVICE_CLIENT_ID, setup_text
from ops.sandbox.iseller.server import IsellerSandbox
from ops.sandbox.iseller.settings import IsellerSettings
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.jurnal import Consumer, JurnalSandbox, SandboxSettings
from ops.sandbox.scenario import Scenario

RAISED_LIMIT_MINUTE, RAISED_LIMIT_HOUR = 60_000, 1_000_000
DOCUMENTED_LIMITS, DOCUMENTED_ADDRESS_LIMITS = (30, 1_800), (40, 2_500)
_DUPLICATE_SHARE = 0.1
_RETRY_DELAYS_SECONDS = (0.5, 1, 2)
_SYNC_MINUTES = 120
_WINDOW_SECONDS = 65


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class House:
    """A context manager; inside it both sandboxes answer and the service is set up, though not yet started."""

    def __init__(self, options: DemoOptions, scenario: Scenario) -> None:
        self.options = options
        self.scenario = scenario
        self.secrets = Secrets.make()
        # Nobody knows how iSeller links the return of cancelled goods, so both ways are shown, by the seed.
        names_origin = options.everything and options.seed % 2 == 1
        self.shop = Shop(scenario, utc_now, returns_name_origin=names_origin)
        self.service_url = f"http://127.0.0.1:{free_port()}"
        self.operations_url = f"http://127.0.0.1:{free_port()}"
        self.iseller = IsellerSandbox(self._iseller_settings(), self.shop, utc_now)
        self.jurnal = JurnalSandbox(self._jurnal_settings(), utc_now)
        first = utc_now().astimezone(scenario.time_zone)
        # Scheduled syncs open at full minutes, so every one of the demo's hours is one.
        self._sync_times = sorted(f"{first + timedelta(minutes=after):%H:%M}" for after in range(_SYNC_MINUTES))
        self._stack = AsyncExitStack()
        self._stop_delivery = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        options = self.options
        self.folder = DemoFolder(options.data)
        self._stack.callback(self.folder.remove)
        self.database = DemoDatabase(
            options.server_url, options.postgres_major, self.folder.path if self.folder.kept else None
        )
        self._stack.push_async_callback(self.database.close)
        self.database_line = await self.database.open()
        self.iseller_url = await self._serve(self.iseller.app())
        self.jurnal_url = await self._serve(self.jurnal.app())
        self.session = await self._stack.enter_async_context(ClientSession(connector=TCPConnector(limit=32)))
        self.accountant = Accountant(self.session, self.jurnal_url, self.jurnal.settings.consumers[1])
        self.api = ServiceApi(
            self.session,
            self.service_url,
            self.scenario.store,
            self.secrets.api_token,
            records_seen=options.records_seen,
        )
        self.folder.write_secrets(self.secrets)
        self.service = ServiceProcess(self._service_settings(), self.operations_url, self.folder.log)
        self._stack.push_async_callback(self.service.stop)
        addresses = {
            "api": self.service_url,
            "api_token": self.secrets.api_token,
            "operations": self.operations_url,
            "iseller": self.iseller_url,
            "jurnal": self.jurnal_url,
            "database": self.database.url,
        }
        self.folder.write_addresses(addresses, self.scenario)

    async def set_up_service(self) -> None:
        """Migrate, make the sealing key and apply the set-up file, by the service's own commands."""
        await self.service.run_command("migrate")
        login = {"JURNALSYNC_DATABASE_URL": await self.database.make_service_login()}
        self.service.use(login)
        self.folder.write_environment(self._service_settings() | login)
        await self.service.run_command("keys", "make", str(self.folder.sealing_key))
        await self.apply_setup()

    async def apply_setup(self, *, mended: bool = False, refused: bool = False) -> None:
        """Write the set-up file as `setup_text` explains it, and let the service apply it."""
        text = setup_text(self.scenario, self.iseller_url, times=self._sync_times, mended=mended, refused=refused)
        self.folder.setup_file.write_text(text)
        await self.service.run_command("setup", "apply", str(self.folder.setup_file))

    @property
    def window_seconds(self) -> float:
        """How long something may wait for its sync to open."""
        return _WINDOW_SECONDS if self.scenario.mode.has_windows else 0

    @property
    def settle_seconds_max(self) -> float:
        """How long everything may take to reach Jurnal after the shop's last event."""
        return self.options.settle_seconds_max + 2 * self.window_seconds

    @property
    def still_seconds_max(self) -> float:
        """How long nothing may move before the rest is given up."""
        return self.options.still_seconds_max + self.window_seconds

    async def start_service(self) -> None:
        """Start the service and wait until it takes webhooks."""
        await self.service.start()
        await self.service.wait_until_ready(self.session)

    def replica(self) -> ServiceProcess:
        """Return a second service on the same database, at other ports; it is not started yet."""
        port, operations_port = free_port(), free_port()
        ports = {"JURNALSYNC_LISTEN_PORT": f"{port}", "JURNALSYNC_OPERATIONS_PORT": f"{operations_port}"}
        log = self.folder.path / "replica.log"
        replica = self.service.beside(ports, f"http://127.0.0.1:{operations_port}", log)
        self._stack.push_async_callback(replica.stop)
        return replica

    def deliver_webhooks(self) -> None:
        """Let iSeller send its webhooks from now on."""
        task = asyncio.create_task(self.iseller.run_delivery(self.session, self._stop_delivery))
        self._stack.push_async_callback(self._end_delivery, task)

    async def _end_delivery(self, task: "asyncio.Task[None]") -> None:
        self._stop_delivery.set()
        await asyncio.wait([task])

    def calls(self, method: str | None = None) -> int:
        """Return how many calls the service made to Jurnal, all of them or those of one method."""
        return sum(
            count
            for (client_id, called, _), count in self.jurnal.calls.items()
            if client_id == SERVICE_CLIENT_ID and method in (None, called)
        )

    async def _serve(self, app: web.Application) -> str:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, port = runner.addresses[0]
        return f"http://127.0.0.1:{port}"

    def _iseller_settings(self) -> IsellerSettings:
        lost = self.options.lose_webhooks
        return IsellerSettings(
            store=self.scenario.store,
            api_key=self.secrets.iseller_api_key,
            client_id=ISELLER_CLIENT_ID,
            client_secret=self.secrets.iseller_client_secret,
            service_url=self.service_url,
            body=self.options.body,
            seed=self.options.seed,
            retry_delays_seconds=_RETRY_DELAYS_SECONDS,
            lose_share={"order": lost, "fulfillment": lost, "refund": lost},
            lose_until_retry={"payout": lost, "member": lost},
            shuffle=self.options.everything,
            duplicate_share=_DUPLICATE_SHARE if self.options.everything else 0,
        )

    def _jurnal_settings(self) -> SandboxSettings:
        raised = self.options.quota == "raised"
        minute, hour = (RAISED_LIMIT_MINUTE, RAISED_LIMIT_HOUR) if raised else DOCUMENTED_LIMITS
        service = Consumer(
            client_id=SERVICE_CLIENT_ID,
            client_secret=self.secrets.jurnal_client_secret,
            limit_minute=minute,
            limit_hour=hour,
        )
        # The accountant's calls come from another desk: they must not take from the service's quota.
        accountant = Consumer(
            client_id=ACCOUNTANT_CLIENT_ID,
            client_secret=Secrets.make().jurnal_client_secret,
            limit_minute=None,
            limit_hour=None,
        )
        return SandboxSettings(
            consumers=(service, accountant),
            address_limit_minute=None,
            address_limit_hour=None,
            quota_windows=self.options.quota_windows,
            date_skew_seconds_max=self.options.fences.date_skew_seconds,
            company_name=self.scenario.store_name,
            zero_price_lines="refused" if self.scenario.mode.zero_prices == "adjust_stock" else "accepted",
        )

    def _service_settings(self) -> dict[str, str]:
        fences = self.options.fences
        raised = self.options.quota == "raised"
        minute, hour = (RAISED_LIMIT_MINUTE, RAISED_LIMIT_HOUR) if raised else DOCUMENTED_LIMITS
        address_minute, address_hour = (minute, hour) if raised else DOCUMENTED_ADDRESS_LIMITS
        settings: dict[str, object] = {
            "DATABASE_URL": self.database.url,
            "API_TOKEN": self.secrets.api_token,
            "SEALING_KEY_FILE": self.folder.sealing_key,
            "LISTEN_PORT": self.service_url.rsplit(":", 1)[1],
            "OPERATIONS_PORT": self.operations_url.rsplit(":", 1)[1],
            "JURNAL_BASE_URL": self.jurnal_url,
            "POLL_INTERVAL_SECONDS": 1,
            "POLL_OVERLAP_SECONDS": 5,
            "FOLLOW_WAIT_SECONDS": 0.2,
            "LEASE_SECONDS": fences.lease_seconds,
            "JURNAL_DEADLINE_SECONDS": fences.deadline_seconds,
            "JURNAL_DATE_SKEW_SECONDS": fences.date_skew_seconds,
            "JURNAL_PROCESSING_ALLOWANCE_SECONDS": fences.processing_allowance_seconds,
            "JURNAL_QUIET_PERIOD_SECONDS": fences.quiet_period_seconds,
            "JURNAL_BREAKER_WAIT_SECONDS": fences.breaker_wait_seconds,
            "JURNAL_REQUESTS_PER_MINUTE": minute,
            "JURNAL_REQUESTS_PER_HOUR": hour,
            "EGRESS_REQUESTS_PER_MINUTE": address_minute,
            "EGRESS_REQUESTS_PER_HOUR": address_hour,
        }
        return {f"JURNALSYNC_{name}": str(value) for name, value in settings.items()}
