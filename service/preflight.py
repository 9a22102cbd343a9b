"""Looks for everything that would fail once Live Mode is on, and says what to do about it.

What the settings alone tell, what Jurnal has (company, names, products), and what iSeller's reports speak of, each in a
module of its own.
"""

from collections.abc import Awaitable, Callable, Sequence
from zoneinfo import ZoneInfo

from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.store import LedgerReader
from projections.changes.settings import StoreSettings
from projections.master_data.queries import read_products
from projections.store_settings.queries import read_settings
from service.company_look import CompanyLooker
from service.jurnal_calls import Company, CredentialMissing
from service.master_data import LookupFailed, MasterDataDirectory
from service.preflight_company import company_findings
from service.preflight_finding import Finding, problem
from service.preflight_names import look_up_failed, name_findings
from service.preflight_products import product_findings
from service.preflight_seen import IsellerOutlet, outlet_findings, seen_findings
from service.preflight_settings import setting_findings
from service.product_list import ProductList
from service.seen import Seen, seen_in

OutletsOf = Callable[[str], Awaitable[Sequence[IsellerOutlet] | None]]


class Preflight:
    """Checks a store's set-up against its Jurnal company and its iSeller; notes when the company closed its books.

    `outlets_of` asks iSeller for its outlets; None: it could not be asked.
    """

    def __init__(
        self,
        pool: Pool,
        reader: LedgerReader,
        clock: Clock,
        directory: MasterDataDirectory,
        companies: CompanyLooker,
        products: ProductList,
        outlets_of: OutletsOf,
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._clock = clock
        self._directory = directory
        self._companies = companies
        self._products = products
        self._outlets_of = outlets_of

    async def check(self, store_id: str) -> list[Finding]:
        """Return all that stands in the way of Live Mode, and what a person should know; see `blocking`."""
        settings = (await read_settings(self._pool, store_id)).as_folded()
        if settings.connection is None:
            return [
                problem(
                    "connection",
                    store_id,
                    "The store is not connected to a Jurnal company",
                    "Apply a set-up file: jurnalsync setup apply store.toml",
                )
            ]
        outlets = await self._outlets_of(store_id)
        seen = await seen_in(self._reader, store_id, settings)
        return [
            *setting_findings(settings),
            *outlet_findings(settings, outlets),
            *seen_findings(settings, seen, outlets),
            *await self._in_jurnal(store_id, settings, seen),
        ]

    async def _in_jurnal(self, store_id: str, settings: StoreSettings, seen: Seen) -> list[Finding]:
        """Ask Jurnal; what keeps it from answering is told once, for each further question would only say so again."""
        assert settings.connection is not None
        company = Company(settings.connection.company_id, store_id)
        try:
            look = await self._companies.look(company)
            if isinstance(look, LookupFailed):
                return [look_up_failed(look)]
            today = self._clock.now().astimezone(ZoneInfo(settings.connection.time_zone)).date()
            if look.status == 200:
                await self._directory.note_books_closed(store_id, look.books_closed)
            found = company_findings(look, settings, today)
            if look.status == 401:
                return found
            found += await name_findings(self._directory, store_id, company, settings)
            if any(finding.check == "jurnal" and finding.blocks for finding in found):
                return found
            products = await self._products.read(store_id, company)
        except CredentialMissing as error:
            return [problem("jurnal", "credential", str(error), "Apply the set-up file again")]
        if isinstance(products, LookupFailed):
            return [*found, look_up_failed(products)]
        told = await read_products(self._pool, store_id)
        return [*found, *product_findings(settings, products, told, seen.skus)]
