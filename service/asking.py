"""The ways to both sides: calls to Jurnal within the budget, the preflight, and both opened for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp
import msgspec

from projections.jurnal_commands.queue import SendQueue
from service.company_look import CompanyLooker
from service.iseller.client import IsellerClient
from service.jurnal.client import open_session
from service.jurnal_calls import JurnalCalls
from service.jurnal_way import jurnal_calls
from service.ledger_parts import Ledger
from service.master_data import MasterDataDirectory
from service.outlet_directory import OutletDirectory
from service.preflight import Preflight
from service.product_list import ProductList
from service.settings import Settings


class Asking(msgspec.Struct, frozen=True):
    """What a command asks both sides with."""

    preflight: Preflight
    products: ProductList
    iseller: IsellerClient


@asynccontextmanager
async def open_asking(settings: Settings, ledger: Ledger) -> AsyncIterator[Asking]:
    """Open the ways to iSeller and Jurnal for one command; its calls count in the budget that all share."""
    async with aiohttp.ClientSession() as iseller_session, open_session() as jurnal_session:
        calls = jurnal_calls(
            settings, ledger.pool, ledger.clock, ledger.credentials, jurnal_session, None, owner=uuid4()
        )
        directory = MasterDataDirectory(ledger.pool, ledger.appender, SendQueue(ledger.pool), calls, ledger.clock)
        yield Asking(
            preflight_of(ledger, calls, directory, iseller_session),
            ProductList(calls, ledger.clock),
            IsellerClient(iseller_session, ledger.credentials, ledger.pool, ledger.clock),
        )


@asynccontextmanager
async def open_calls(settings: Settings, ledger: Ledger) -> AsyncIterator[JurnalCalls]:
    """Open the way to Jurnal alone for one command."""
    async with open_session() as session:
        yield jurnal_calls(settings, ledger.pool, ledger.clock, ledger.credentials, session, None, owner=uuid4())


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
