"""Imports products into Jurnal: only SKUs that it has not, asked of both sides now, requested by a fact."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.event import Appended, NewFact
from eventstore.facts.operators import ProductsImportRequested
from eventstore.facts.registry import REPORT_KINDS, encode, read_report
from eventstore.facts.reports.products import ProductReport
from service.iseller.client import GET_PRODUCTS, IsellerClient
from service.jurnal_calls import Company
from service.master_data import LookupFailed
from service.product_import_plan import ImportPlan, plan_import
from service.product_list import ProductList
from service.setup_error import SetupError
from service.setup_ledger import KnownSettings

_PRODUCTS_A_FACT_MAX = 500
_PAGE_SIZE = 200
_PAGES_MAX = 1_000
_PRODUCTS_STREAM = "products-import"


class ProductImport(msgspec.Struct, frozen=True, kw_only=True):
    """Imports products of one store at a time; `wait` passes the seconds until Jurnal's quota has places again."""

    iseller: IsellerClient
    products: ProductList
    appender: Appender
    clock: Clock
    wait: Callable[[float], Awaitable[None]]

    async def plan(self, store_id: str, known: KnownSettings, *, with_stock: bool) -> ImportPlan:
        """Return what an import would do. Raises `SetupError`, `IsellerError`, `CredentialMissing`."""
        if with_stock and known.rules.opening_account is None:
            raise SetupError(
                "no account is mapped across from opening stock; name it as sales.opening_account in the set-up file"
            )
        if with_stock and known.live_from is not None:
            raise SetupError(
                "Live Mode is on: what was sold since waits for its product and would leave the stock twice; import"
                " without --with-stock, and enter the opening stock in Jurnal by hand"
            )
        told = await self._told(store_id, known)
        connection = known.connection
        assert connection is not None
        company = Company(connection.company_id, store_id)
        while isinstance(found := await self.products.read(store_id, company), LookupFailed):
            if found.wait is None:
                raise SetupError(f"Jurnal cannot be asked for its products: {found.reason}; try again")
            await self.wait(max(1.0, (found.wait.free_at - self.clock.now()).total_seconds()))
        return plan_import(told, found, with_stock=with_stock)

    async def request(self, store_id: str, known: KnownSettings, plan: ImportPlan, actor: str, reason: str) -> int:
        """Append that the planned products are to be made; return the position of the last fact."""
        connection, now, position = known.connection, self.clock.now(), 0
        assert connection is not None
        today = now.astimezone(ZoneInfo(connection.time_zone)).date()
        for start in range(0, len(plan.products), _PRODUCTS_A_FACT_MAX):
            products = plan.products[start : start + _PRODUCTS_A_FACT_MAX]
            asked = ProductsImportRequested(products=products, stock_date=today, actor=actor, reason=reason)
            name, version, body = encode(asked)
            fact = NewFact(
                stream_id=_PRODUCTS_STREAM,
                type=name,
                schema_version=version,
                source_id=f"operator:{uuid4()}",
                observed_at=now,
                body=body,
            )
            (result,) = await self.appender.append(store_id, [fact])
            assert isinstance(result, Appended)
            position = result.position
        return position

    async def _told(self, store_id: str, known: KnownSettings) -> list[ProductReport]:
        """Return all products of iSeller, as they stand now."""
        connection = known.connection
        assert connection is not None
        offset = self.clock.now().astimezone(ZoneInfo(connection.time_zone)).utcoffset()
        assert offset is not None
        told: list[ProductReport] = []
        for page in range(1, _PAGES_MAX + 1):
            parameters = {
                "time_zone": str(offset // timedelta(hours=1)),
                "page": str(page),
                "page_size": str(_PAGE_SIZE),
                "sort": "CreatedDate",
            }
            read = await self.iseller.read_page(store_id, connection.iseller_url, GET_PRODUCTS, parameters)
            for body in read.objects:
                report = read_report(REPORT_KINDS["product"], body)
                assert isinstance(report, ProductReport)
                told.append(report)
            if not read.has_next:
                break
        return told
