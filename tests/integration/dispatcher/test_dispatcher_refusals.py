"""What Jurnal refuses and why, what is known of its books and master data, and what serves although it differs."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from eventstore.facts.answers import SHORT_OF_STOCK
from ops.sandbox.jurnal import FaultPlan, SandboxSettings
from projections.jurnal_commands.commands import (
    AdjustStock,
    Command,
    CreateCustomer,
    StockChange,
    StockLine,
    TransferStock,
)
from projections.jurnal_commands.identity import command_id
from service.jurnal.needs import Need
from tests.integration.dispatcher.asking import (
    CONTENT,
    DAY,
    PRODUCT,
    SALE,
    UPDATE,
    Asked,
    booked,
    latte,
    sale,
)
from tests.integration.dispatcher.stand import COMPANY, Stand, open_stand
from tests.ledger import STORE
from tests.unit.sandbox_jurnal.shop import SETTINGS

LOST = FaultPlan(close_after_commit=True)
NEVER_ARRIVED = FaultPlan(status_before_commit=502)
API = "/public/jurnal/api/v1"


@pytest.fixture
def asked(stand: Stand) -> Asked:
    """Give a live store of which anything may be asked."""
    return Asked(stand)


def sandbox_settings(**changed: object) -> SandboxSettings:
    """Return the usual settings with some changed."""
    return replace(SETTINGS, **changed)  # type: ignore[arg-type]  # by name


@pytest.fixture
async def strict(database_url: str) -> AsyncIterator[Asked]:
    """Give a store whose company forbids stock below zero, merges changed lines, and has closed its books."""
    settings = sandbox_settings(
        allow_negative_stock=False, patched_lines="merged", last_closing_date=date(2026, 11, 16)
    )
    async with open_stand(database_url, settings=settings) as opened:
        await opened.connect()
        yield Asked(opened)


STOCKED = AdjustStock(
    transfer_id="x",
    transfer_number="X",
    adjustment_id="in",
    transaction_date=DAY,
    warehouse="Main Warehouse",
    account="Goods Received",
    lines=(StockChange("LATTE", Decimal(3), Decimal(100)), StockChange("MOCHA", Decimal(3), Decimal(100))),
)
MOVE = TransferStock(
    transfer_id="t",
    transfer_number="T",
    adjustment_id="t1",
    transaction_date=DAY,
    from_warehouse="Main Warehouse",
    to_warehouse="Branch Warehouse",
    lines=(StockLine("LATTE", Decimal(1)),),
)
OUT = msgspec.structs.replace(STOCKED, adjustment_id="out", lines=(StockChange("LATTE", Decimal(-1)),))


@pytest.mark.parametrize("command", [SALE, MOVE, OUT], ids=lambda command: type(command).__name__)
async def test_too_little_stock_is_told_apart_from_other_refusals(strict: Asked, command: Command) -> None:
    """What waits for goods can be seen by its field, whatever kind of document takes them."""
    await strict.ask(command)
    await strict.stand.until_quiet(strict.stand.process())
    (refused,) = await strict.stand.told("CommandRefused")
    assert SHORT_OF_STOCK in refused["fields"]
    assert refused["reason"].startswith("Jurnal has too little stock for this: Stock of Product LATTE is not enough. ")


async def test_a_change_leaves_the_new_lines_alone_where_jurnal_merges_them(strict: Asked) -> None:
    """Every line is named: those of before that are not wanted go."""
    stand = strict.stand
    await booked(strict, STOCKED, SALE, UPDATE)
    (invoice,) = stand.sandbox.company.sales_invoices
    assert [(line.product.code, int(line.quantity)) for line in invoice.terms.lines] == [
        (line.product_code, int(line.quantity)) for line in CONTENT.lines
    ]
    assert invoice.terms.amounts.original_amount == 24_000


async def test_a_refused_date_makes_the_ledger_learn_of_closed_books(strict: Asked) -> None:
    """Jurnal's company says which day it closed on; what is dated before it is refused."""
    stand = strict.stand
    early = msgspec.structs.replace(SALE, transaction_date=date(2026, 11, 15))
    await strict.ask(early)
    process = stand.process()
    await stand.until_quiet(process)
    assert (await strict.state_of(early))[1].startswith("Jurnal's books are closed on this date: ")
    assert await stand.told("BooksClosed") == [{"until": "2026-11-15"}]
    assert await process.directory.books_closed(STORE, COMPANY) == date(2026, 11, 15)
    assert len(await stand.told("BooksClosed")) == 1


async def test_books_that_are_opened_again_are_learnt_too(strict: Asked) -> None:
    """A closing that was taken back, and made once more, is a fact each."""
    stand = strict.stand
    process = stand.process()
    for closing in (date(2026, 11, 16), None, date(2026, 11, 16)):
        stand.sandbox.change_settings(last_closing_date=closing)
        await process.directory.books_closed(STORE, COMPANY)
        await stand.advance(1)
    assert [fact["until"] for fact in await stand.told("BooksClosed")] == ["2026-11-15", "0001-01-01", "2026-11-15"]


async def test_white_space_around_a_code_is_nobodys_intention(asked: Asked) -> None:
    """Jurnal's code has it, or iSeller's: the product is found, and how Jurnal spells it can be told."""
    stand = asked.stand
    product = {"name": "Teh", "product_code": "TEH-1", "unit_name": "Pcs"}
    await stand.shop.make("products", "product", **product)
    stand.sandbox.company.products_by_code["TEH-1"].code = " TEH-1 "
    line = msgspec.structs.replace(latte(1), product_code="TEH-1 ")
    process = await booked(asked, sale("o1", line))
    assert process.directory.spelling(STORE, Need("product", "TEH-1")) == " TEH-1 "
    assert process.directory.spelling(STORE, Need("product", "LATTE")) is None


async def test_an_archived_product_is_said_to_be_archived(asked: Asked) -> None:
    """Jurnal takes it on no new line; the reason says what to do."""
    stand = asked.stand
    stand.sandbox.company.products_by_code["LATTE"].archived = True
    await asked.ask(SALE)
    await stand.until_quiet(stand.process())
    state, reason = await asked.state_of(SALE)
    assert state == "refused"
    assert reason.startswith("A product is not in Jurnal, or is archived there: Product in transaction lines")
    assert reason.endswith("Make it or take it out of the archive, then retry")


@pytest.mark.parametrize(("own_id", "key"), [("8f1c-22aa", "8f1c-22aa"), ("4711", None), ("a/b", None), (None, None)])
async def test_a_customer_has_isellers_own_id_where_jurnal_can_find_it_by_that(
    asked: Asked, own_id: str | None, key: str | None
) -> None:
    """A bare number could be one of Jurnal's own ids, and a slash breaks the path: then it is our identity."""
    customer = CreateCustomer(customer_id="8f1c", code="C-8", position=0, own_id=own_id)
    await asked.ask(customer, lane="customer-8f1c")
    asked.stand.fail(LOST, path="customers")
    await asked.stand.until_quiet(asked.stand.process())
    assert await asked.state_of(customer) == ("accepted", "")
    keys = [person.custom_id for person in asked.stand.sandbox.company.persons]
    assert keys.count(key or command_id(STORE, customer)) == 1


async def test_a_product_of_a_used_code_is_the_product(asked: Asked) -> None:
    """Somebody made it by hand meanwhile: 409, read, and as good as ours unless it differs in what counts."""
    stand = asked.stand
    fields = {"name": "By hand", "product_code": "KOPI-9", "unit_name": "Pcs", "sell_account_name": "Service Revenue"}
    await stand.shop.make("products", "product", **fields, track_inventory="true")
    await asked.ask(PRODUCT)
    await asked.ask(msgspec.structs.replace(PRODUCT, product_code="MOCHA", track_inventory=False), lane="other")
    await stand.until_quiet(stand.process())
    assert await asked.state_of(PRODUCT) == ("accepted", "")
    (refused,) = await stand.told("CommandRefused")
    assert refused["reason"].startswith("Jurnal holds MOCHA, but it differs: track_inventory is True, not False. ")
