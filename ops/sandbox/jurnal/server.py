"""The sandbox as one aiohttp application, and what can be asked of it from Python."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from aiohttp import web

from ops.sandbox.jurnal import inspection
from ops.sandbox.jurnal.accounts import Accounts
from ops.sandbox.jurnal.by_hand import ByHand
from ops.sandbox.jurnal.cash_bank import BankDeposits, BankTransfers, BankWithdrawals
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.company_answers import active_company
from ops.sandbox.jurnal.connections import Wait
from ops.sandbox.jurnal.contacts import Contacts, Customers
from ops.sandbox.jurnal.credit_memo_uses import CreditMemoPayments, CreditMemoRefunds
from ops.sandbox.jurnal.credit_memos import CreditMemos
from ops.sandbox.jurnal.endpoints import API
from ops.sandbox.jurnal.faults import Fault, FaultKind, SeededFaults, no_fault
from ops.sandbox.jurnal.gate import Gate, Handler, answer
from ops.sandbox.jurnal.invoices import SalesInvoices
from ops.sandbox.jurnal.journal_entries import JournalEntries
from ops.sandbox.jurnal.particular_endpoints import endpoints_of
from ops.sandbox.jurnal.payments import ReceivePayments
from ops.sandbox.jurnal.products import Products
from ops.sandbox.jurnal.receivables import aged_receivables
from ops.sandbox.jurnal.references import PaymentMethods, Tags, Taxes, TermsOfPayment, Warehouses
from ops.sandbox.jurnal.reports import Reports
from ops.sandbox.jurnal.resource import Json, Resource
from ops.sandbox.jurnal.sales_returns import SalesReturns
from ops.sandbox.jurnal.select2 import Select2
from ops.sandbox.jurnal.settings import SandboxSettings
from ops.sandbox.jurnal.stock_adjustments import StockAdjustments
from ops.sandbox.jurnal.stock_reports import StockReports
from ops.sandbox.jurnal.warehouse_transfers import WarehouseTransfers

QUANTITY_PATH = "/public/jurnal/scm/public/lo/v1/products/get_product_quantity_per_warehouse"
Query = Mapping[str, str]


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


class JurnalSandbox:
    """A Jurnal company behind its gateway, in the time of `now`, in which `wait` lets seconds pass.

    `gate.fault` and `gate.on_the_way` may be replaced at any time.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        now: Callable[[], datetime] = utc_now,
        *,
        fault: Fault = no_fault,
        wait: Wait = asyncio.sleep,
    ) -> None:
        self.company = Company(settings, now)
        self.gate = Gate(settings, now, fault, wait, self.company.injected)
        self.by_hand = ByHand(self.company, self._resources())

    def inject(self, faults: SeededFaults) -> None:
        """Let faults drawn from a seed happen from now on."""
        self.gate.fault, self.gate.on_the_way = faults, faults.on_the_way

    def restart(self, down_seconds: float = 0) -> None:
        """Go down and come up again: what is kept is kept, connections and everything under way are cut."""
        self.gate.restart(down_seconds)

    async def finished(self) -> None:
        """Wait for requests on their way and work under way that no caller waits for."""
        await self.gate.connections.finished()

    @property
    def injected(self) -> Counter[FaultKind]:
        """Return how often each kind of fault has happened."""
        return self.company.injected

    @property
    def settings(self) -> SandboxSettings:
        """Return the settings in force."""
        return self.company.settings

    def change_settings(self, **changes: Any) -> None:
        """Let other settings hold from now on; consumers and limits of calls stay those of the start."""
        self.company.settings = self.gate.settings = replace(self.company.settings, **changes)

    @property
    def calls(self) -> Counter[tuple[str, str, str]]:
        """Return authenticated calls per consumer, method and route template."""
        return self.gate.calls

    def documents(self) -> dict[str, int]:
        """Return the number of live records per type."""
        return inspection.documents(self.company)

    def duplicates(self, references: Mapping[str, Iterable[str]]) -> dict[str, int]:
        """Return, per type, how many documents too many carry one of the given references."""
        return inspection.duplicates(self.company, references)

    def exact_difference(self) -> Fraction:
        """Return all debits less all credits before any rounding."""
        self.company.stock.settle()
        return self.company.journal.difference()

    def exact_balances(self) -> dict[str, Fraction]:
        """Return debits less credits per account name before any rounding."""
        self.company.stock.settle()
        return {account.name: self.company.journal.balance(account) for account in self.company.accounts}

    def app(self) -> web.Application:
        """Return the application; the state is shared by all applications of one sandbox."""

        @web.middleware
        async def gated(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.gate(request, handler)

        async def stop(_app: web.Application) -> None:
            self.gate.connections.cut_all()

        app = web.Application(middlewares=[gated], client_max_size=self.settings.body_bytes_max)
        app.on_shutdown.append(stop)
        app.add_routes(self._lookups())
        for resource in self._resources():
            app.add_routes(list(endpoints_of(resource).routes()))
        return app

    def _resources(self) -> tuple[Resource[Any], ...]:
        company = self.company
        return (
            Accounts(company),
            Customers(company),
            Contacts(company),
            Products(company),
            Warehouses(company),
            Taxes(company),
            PaymentMethods(company),
            Tags(company),
            TermsOfPayment(company),
            SalesInvoices(company),
            ReceivePayments(company),
            SalesReturns(company),
            CreditMemos(company),
            CreditMemoRefunds(company),
            CreditMemoPayments(company),
            WarehouseTransfers(company),
            StockAdjustments(company),
            BankDeposits(company, company.bank_deposits),
            BankWithdrawals(company, company.bank_withdrawals),
            BankTransfers(company),
            JournalEntries(company),
        )

    def _lookups(self) -> list[web.RouteDef]:
        """Return the routes that are no plain resource."""
        company, reports, select2 = self.company, Reports(self.company), Select2(self.company)
        stock_reports = StockReports(company)
        payments = ReceivePayments(company)
        invoices = SalesInvoices(company)

        async def paid(request: web.Request) -> web.Response:
            invoice = invoices.at(request.match_info["id"], request.query)
            rows = [payments.show(payment) for payment in invoice.payments.values()]
            page = {"total_count": len(rows), "current_page": 1, "total_pages": 1}
            return answer({"receive_payments": rows, **page})

        async def quantities(request: web.Request) -> web.Response:
            status, body = stock_reports.quantity_per_warehouse(request.query)
            return answer(body, status)

        return [
            web.get(f"{API}/companies/active", _asked(lambda _query: active_company(company))),
            web.get(f"{API}/sales_invoices/{{id}}/receive_payments", paid),
            web.get(f"{API}/aged_receivables", _asked(lambda query: aged_receivables(company, query))),
            web.get(QUANTITY_PATH, quantities),
            web.get(f"{API}/warehouse_stock_quantity", _asked(stock_reports.warehouse_stock_quantity)),
            *(
                web.get(f"{API}/select2_resources/{name}", _asked(getattr(select2, name)))
                for name in ("get_account", "get_person", "get_product", "get_transaction")
            ),
            *(
                web.get(f"{API}/{name}", _asked(getattr(reports, name)))
                for name in (
                    "profit_and_loss",
                    "balance_sheet",
                    "trial_balance",
                    "general_ledger",
                )
            ),
        ]


def _asked(question: Callable[[Query], Json]) -> Callable[[web.Request], Any]:
    """Make a handler that answers from the query alone."""

    async def handler(request: web.Request) -> web.Response:
        return answer(question(request.query))

    return handler
