"""The whole edge against the sandbox: signed, sent, answered, understood, found again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from eventstore.clock import ManualClock
from ops.sandbox.jurnal import Consumer, FaultPlan, JurnalSandbox, SandboxSettings
from projections.jurnal_commands.commands import Command
from projections.jurnal_commands.identity import command_id
from service.jurnal.client import JurnalClient, open_session
from service.jurnal.documents import matches
from service.jurnal.exchange import API, JurnalRequest, NoAnswer, Response
from service.jurnal.needs import Known, Need, ResolvedIds
from service.jurnal.outcome import (
    Absent,
    Accepted,
    AlreadyThere,
    Found,
    Refused,
    TryLater,
    Unknown,
    outcome_of,
    probe_outcome,
)
from service.jurnal.payloads import PersonNames, request_for
from service.jurnal.resources import probe_for, reading_of
from service.jurnal.signing import sign_request
from tests.unit.jurnal.made_up import COMMANDS, CUSTOMER, DAY, INVOICE, PAYMENT, STORE, TRANSFER

START = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)
CLIENT_ID, SECRET = "toko-contoh", "a-made-up-secret"
PERSON = PersonNames(first="Sari", last="Contoh", email="sari@contoh.id")
CASH_AND_BANK = "Cash & Bank"
MASTER_DATA: list[tuple[Need, str, str, dict[str, Any]]] = [
    (Need("account", "Bank BCA"), "accounts", "account", {"number": "1-10002", "category_name": CASH_AND_BANK}),
    (
        Need("account", "iSeller Pay Clearing"),
        "accounts",
        "account",
        {"number": "1-10", "category_name": CASH_AND_BANK},
    ),
    (Need("account", "iSeller Pay MDR"), "accounts", "account", {"number": "6-60", "category_name": "Expenses"}),
    (
        Need("account", "Goods Received"),
        "accounts",
        "account",
        {"number": "2-20", "category_name": "Other Current Liabilities"},
    ),
    (Need("contact", "Walk-in"), "customers", "customer", {"display_name": "Walk-in"}),
    (Need("contact", "iSeller Pay"), "customers", "customer", {"display_name": "iSeller Pay"}),
    (Need("tax", "PPN"), "taxes", "tax", {"rate": 11}),
    (Need("warehouse", "Main Outlet"), "warehouses", "warehouse", {}),
    (Need("warehouse", "iSeller in Transit"), "warehouses", "warehouse", {}),
]
PRODUCTS = {"KOPI-250": "Kopi 250 g", "TEH-100": "Teh 100 g"}


@dataclass
class Edge:
    """A client of one consumer, its clock, and the sandbox on the other side."""

    client: JurnalClient
    clock: ManualClock
    sandbox: JurnalSandbox
    ids: dict[Need, Known]

    async def exchange(self, request: JurnalRequest, *, seconds: float = 90) -> Response | NoAnswer:
        """Sign now and send."""
        now = self.clock.now()
        signed = sign_request(request, client_id=CLIENT_ID, secret=SECRET, signed_at=now)
        return await self.client.send(signed, now + timedelta(seconds=seconds))

    async def carry_out(self, command: Command, *, seconds: float = 90) -> Any:
        """Send a command and return what its answer means."""
        request = request_for(command, command_id(STORE, command), self.ids, PERSON)
        return outcome_of(command, await self.exchange(request, seconds=seconds))

    async def probe(self, command: Command) -> Any:
        """Look a command up and return what the answer means."""
        return probe_outcome(command, await self.exchange(probe_for(command, command_id(STORE, command))))

    async def make(self, plural: str, singular: str, fields: dict[str, Any]) -> int:
        """Make a piece of master data; return its id."""
        body = msgspec.json.encode({singular: fields})
        answer = await self.exchange(JurnalRequest(method="POST", path=f"{API}/{plural}", body=body))
        assert isinstance(answer, Response)
        assert answer.status in {200, 201}, answer.body
        (record,) = msgspec.json.decode(answer.body).values()
        made: int = record["id"]
        return made


def settings(**changed: Any) -> SandboxSettings:
    """Return a sandbox without quota, unless told."""
    consumer = Consumer(client_id=CLIENT_ID, client_secret=SECRET, limit_minute=None, limit_hour=None)
    usual = {"consumers": (consumer,), "address_limit_minute": None, "address_limit_hour": None}
    return SandboxSettings(**{**usual, **changed})


async def given_master_data(edge: Edge) -> None:
    """Make what the made-up commands name."""
    for need, plural, singular, fields in MASTER_DATA:
        named = fields if "display_name" in fields else {"name": need.key, **fields}
        edge.ids[need] = Known(await edge.make(plural, singular, named), need.key)
    for code, name in PRODUCTS.items():
        fields = {"name": name, "product_code": code, "unit_name": "Pcs", "track_inventory": "true"}
        fields |= {"inventory_asset_account_name": "Inventory", "buy_price_per_unit": 30_000}
        edge.ids[Need("product", code)] = Known(await edge.make("products", "product", fields), name)
    edge.ids[Need("account", "Cash")] = Known(edge.sandbox.company.chart["Cash"].id, "Cash")
    (method,) = edge.sandbox.company.payment_methods
    edge.ids[Need("payment_method", "Cash")] = Known(method.id, "Cash")


async def opened(given: SandboxSettings) -> AsyncIterator[Edge]:
    """Serve a sandbox and open a client on it."""
    clock = ManualClock(START)
    sandbox = JurnalSandbox(given, clock.now)
    async with TestServer(sandbox.app(), host="127.0.0.1") as server, open_session() as session:
        yield Edge(JurnalClient(session, str(server.make_url("/")), clock), clock, sandbox, {})


@pytest.fixture
async def bare() -> AsyncIterator[Edge]:
    """Give the edge to a company with nothing in it."""
    async for edge in opened(settings()):
        yield edge


@pytest.fixture
async def edge(bare: Edge) -> Edge:
    """Give the edge to a company that has what the commands name."""
    await given_master_data(bare)
    return bare


async def test_every_command_is_booked_as_it_was_asked_and_found_again(edge: Edge) -> None:
    """Each document is accepted, matches its command in the answer and in the probe, and lets the books balance."""
    for command in COMMANDS:
        identity = command_id(STORE, command)
        assert await edge.probe(command) == Absent()
        accepted = await edge.carry_out(command)
        assert isinstance(accepted, Accepted), accepted
        assert matches(command, identity, accepted.record) == []
        found = await edge.probe(command)
        assert isinstance(found, Found)
        assert found.document.jurnal_id == accepted.document.jurnal_id
        assert matches(command, identity, found.record) == []
    assert edge.sandbox.exact_difference() == 0


async def test_the_invoice_is_the_sale_to_the_rupiah_and_its_payment_closes_it(edge: Edge) -> None:
    """Tax per line, the discount after it and the deposit come out at exactly what iSeller says."""
    invoice = await edge.carry_out(INVOICE)
    assert (invoice.document.amount, invoice.document.remaining) == (INVOICE.total, INVOICE.total - INVOICE.deposit)
    assert (await edge.carry_out(PAYMENT)).document.amount == PAYMENT.amount
    found = await edge.probe(INVOICE)
    assert (found.document.status, found.document.remaining) == ("Paid", 0)


@pytest.mark.parametrize("command", COMMANDS[1:], ids=lambda command: type(command).__name__)
async def test_the_same_command_twice_is_already_there(edge: Edge, command: Command) -> None:
    """The conflict names the first document, and reading it shows that it is ours."""
    if command is PAYMENT:
        await edge.carry_out(INVOICE)
    first = await edge.carry_out(command)
    assert isinstance(first, Accepted)
    again = await edge.carry_out(command)
    assert isinstance(again, AlreadyThere)
    assert again.jurnal_id == first.document.jurnal_id
    read = probe_outcome(command, await edge.exchange(reading_of(command, first.document.jurnal_id)))
    assert isinstance(read, Found)
    assert matches(command, command_id(STORE, command), read.record) == []


async def test_another_amount_under_our_key_shows_when_it_is_read(edge: Edge) -> None:
    """Exists with another amount is its own answer."""
    other = msgspec.structs.replace(INVOICE, lines=INVOICE.lines[:1], header_discount=INVOICE.header_discount)
    other = msgspec.structs.replace(other, deposit=INVOICE.deposit - 10_000)
    await edge.carry_out(other)
    assert isinstance(await edge.carry_out(INVOICE), AlreadyThere)
    found = await edge.probe(INVOICE)
    told = matches(INVOICE, command_id(STORE, INVOICE), found.record)
    assert [line.split()[0] for line in told] == ["original_amount", "deposit"]


async def test_a_registered_customer_is_made_and_then_invoiced(edge: Edge) -> None:
    """The contact that CreateCustomer made is the invoice's person."""
    made = await edge.carry_out(CUSTOMER)
    edge.ids[Need("customer", CUSTOMER.customer_id)] = Known(made.document.jurnal_id, "Sari Contoh (C-0042)")
    accepted = await edge.carry_out(msgspec.structs.replace(INVOICE, customer_id=CUSTOMER.customer_id))
    assert accepted.record["person"]["display_name"] == "Sari Contoh (C-0042)"


async def test_a_transfer_moves_the_stock(edge: Edge) -> None:
    """Five pieces leave the outlet and stand in transit."""
    await edge.carry_out(TRANSFER)
    company = edge.sandbox.company
    product = company.products_by_code["KOPI-250"]
    for name, quantity in (("Main Outlet", -5), ("iSeller in Transit", 5)):
        warehouse = company.warehouses.named(name)
        assert warehouse is not None
        assert company.stock.on_hand(product, warehouse) == quantity


async def test_an_unknown_look_up_is_refused_with_jurnals_words(edge: Edge) -> None:
    """A product that is gone by now cannot be sold; a person reads which line it was."""
    ids: ResolvedIds = {**edge.ids, Need("product", "TEH-100"): Known(1, "gone")}
    outcome = outcome_of(INVOICE, await edge.exchange(request_for(INVOICE, "inv-toko-1", ids)))
    assert isinstance(outcome, Refused)
    assert "row 2" in outcome.reason


@pytest.mark.parametrize("missing_answer", [404, 422])
async def test_a_missing_record_is_absent_under_either_status(missing_answer: int) -> None:
    """Jurnal uses both."""
    async for edge in opened(settings(missing_answer=missing_answer)):
        for command in COMMANDS:
            assert await edge.probe(command) == Absent()


async def test_a_request_signed_too_long_ago_is_not_booked(edge: Edge) -> None:
    """The Date is the fence: Jurnal refuses it, and we know that nothing was booked."""
    request = request_for(INVOICE, command_id(STORE, INVOICE), edge.ids)
    signed = sign_request(
        request, client_id=CLIENT_ID, secret=SECRET, signed_at=edge.clock.now() + timedelta(seconds=301)
    )
    answer = await edge.client.send(signed, edge.clock.now() + timedelta(seconds=90))
    outcome = outcome_of(INVOICE, answer)
    assert isinstance(outcome, TryLater)
    assert "clock" in outcome.reason
    assert edge.sandbox.documents().get("sales_invoices", 0) == 0


async def test_the_minutes_quota_is_tried_later() -> None:
    """The call over the limit is answered as the gateway does."""
    consumer = Consumer(client_id=CLIENT_ID, client_secret=SECRET, limit_minute=2, limit_hour=None)
    async for edge in opened(settings(consumers=(consumer,))):
        assert [await edge.probe(INVOICE) for _ in range(2)] == [Absent(), Absent()]
        outcome = outcome_of(INVOICE, await edge.exchange(JurnalRequest(method="POST", path=f"{API}/sales_invoices")))
        assert isinstance(outcome, TryLater)
        assert (outcome.scope, outcome.wait_seconds) == ("minute", 60)


@pytest.mark.parametrize(
    "fault",
    [
        FaultPlan(close_after_commit=True),
        FaultPlan(status_after_commit=502),
        FaultPlan(status_after_commit=504),
        FaultPlan(delay_after_commit_seconds=30),
    ],
    ids=["reset", "502", "504", "time-out"],
)
async def test_a_booked_document_whose_answer_is_lost_is_unknown_and_then_found(edge: Edge, fault: FaultPlan) -> None:
    """Nothing is said of it until a probe finds it."""

    def failing(request: web.Request) -> FaultPlan | None:
        return fault if request.method == "POST" else None

    edge.sandbox.gate.fault = failing
    assert isinstance(await edge.carry_out(INVOICE, seconds=0.3), Unknown)
    assert isinstance(await edge.probe(INVOICE), Found)


async def test_the_clients_session_must_hold_requests_back(bare: Edge) -> None:
    """A session without the hooks would write a late request."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(AssertionError, match="open_session"):
            JurnalClient(session, "http://127.0.0.1", bare.clock)


async def test_a_base_url_with_a_path_is_refused(bare: Edge) -> None:
    """The path is signed whole, so no part of it may hide in a setting."""
    async with open_session() as session:
        with pytest.raises(ValueError, match="host alone"):
            JurnalClient(session, "http://127.0.0.1/public", bare.clock)


def test_the_made_up_day_is_not_in_the_sandboxs_future() -> None:
    """The invoice's day and the sandbox's clock belong together."""
    assert START.date() >= DAY
