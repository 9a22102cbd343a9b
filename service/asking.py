"""The ways to both sides: calls to Jurnal within the budget, the preflight, and both opened for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from projections.jurnal_commands.queue import SendQueue
from service.company_look import CompanyLooker
from service.iseller.client import IsellerClient
from service.jurnal.client import JurnalClient, open_session
from service.jurnal.pace import Limit
from service.jurnal_calls import JurnalCalls
from service.ledger_parts import Ledger
from service.master_data import MasterDataDirectory
from service.outlet_directory import OutletDirectory
from service.preflight import Preflight
from service.product_list import ProductList
from service.quota import QuotaBudget
from service.settings import Settings
from service.telemetry.metrics import Metrics


class Asking(msgspec.Struct, frozen=True):
    """What a command asks both sides with."""

    preflight: Preflight
    products: ProductList
    iseller: IsellerClient


@asynccontextmanager
async def open_asking(settings: Settings, ledger: Ledger) -> AsyncIterator[Asking]:
    """Open the ways to iSeller and Jurnal for one command; its calls count in the budget that all share."""
    async with aiohttp.ClientSession() as iseller_session, open_session() as jurnal_session:
        calls = jurnal_calls_of(settings, ledger, jurnal_session, None)
        directory = MasterDataDirectory(ledger.pool, ledger.appender, SendQueue(ledger.pool), calls, ledger.clock)
        yield Asking(
            preflight_of(ledger, calls, directory, iseller_session),
            ProductList(calls, ledger.clock),
            IsellerClient(iseller_session, ledger.credentials, ledger.pool, ledger.clock),
        )


def preflight_of(
    ledger: Ledger, calls: JurnalCalls, directory: MasterDataDirectory, session: aiohttp.ClientSession
) -> Preflight:
    """Return what checks stores; it asks Jurnal by `calls` and iSeller by `session`."""
    client = IsellerClient(session, ledger.credentials, ledger.pool, ledger.clock)
    return Preflight(
        ledger.pool,
        ledger.reader,
        ledger.clock,
        directory,
        CompanyLooker(ledger.pool, calls),
        ProductList(calls, ledger.clock),
        OutletDirectory(ledger.pool, client).outlets_of,
    )


def jurnal_calls_of(
    settings: Settings, ledger: Ledger, session: aiohttp.ClientSession, metrics: Metrics | None
) -> JurnalCalls:
    """Return the way to Jurnal, within the budget that all processes and commands share."""
    client = JurnalClient(
        session,
        settings.jurnal_base_url,
        ledger.clock,
        deadline_seconds=settings.jurnal_deadline_seconds,
        proxy=settings.jurnal_proxy.reveal() if settings.jurnal_proxy is not None else None,
    )
    quota = QuotaBudget(
        ledger.pool,
        egress_address=settings.egress_address,
        company_limits=(Limit(settings.jurnal_requests_per_minute, 60), Limit(settings.jurnal_requests_per_hour, 3600)),
        address_limits=(Limit(settings.egress_requests_per_minute, 60), Limit(settings.egress_requests_per_hour, 3600)),
        on_left=metrics.quota_told if metrics is not None else None,
    )
    return JurnalCalls(
        ledger.pool,
        client,
        ledger.credentials,
        quota,
        deadline_seconds=settings.jurnal_deadline_seconds,
        on_call=metrics.jurnal_called if metrics is not None else None,
    )
