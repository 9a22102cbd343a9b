"""What a preflight finds in the settings, in Jurnal and in iSeller's reports: problems that block, and notices."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import (
    SETTINGS_STREAM,
    ChannelMapped,
    Mapping,
    OutletMapped,
    PaymentMapping,
    SalesAccountsMapped,
    SalesRulesSet,
    StoredValue,
)
from ops.sandbox.jurnal import SandboxSettings
from projections.changes.settings import StoreSettings
from projections.store_settings.queries import read_settings
from service.preflight_finding import Finding
from service.seen import seen_in
from tests.integration.dispatcher.checking import OUTLETS, preflight_of
from tests.integration.dispatcher.stand import Stand, open_stand
from tests.ledger import STORE
from tests.story import CONNECTION, line, own, paid, taxed
from tests.unit.sandbox_jurnal.shop import SETTINGS

# What a shop that has nothing but goods does without, and is told so.
NEEDED_LATER = {
    "charge_product", "shipping_product", "cost_account", "waste_account", "sales_return_account",
}  # fmt: skip
POINTS = StoredValue("points", "Customer Points")


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a connected store that is not live yet."""
    async with open_stand(database_url) as opened:
        await opened.connect(live=False)
        yield opened


async def told(stand: Stand, *settings: Mapping) -> None:
    """Append settings and fold them."""
    facts = [own(setting, SETTINGS_STREAM, f"told:{number}") for number, setting in enumerate(settings)]
    await stand.appender.append(STORE, facts)
    await stand.fold()


async def found(stand: Stand, **asked: Any) -> list[Finding]:
    """Return the findings but the notices of what was never needed."""
    findings = await preflight_of(stand, **asked).check(STORE)
    return [finding for finding in findings if finding.blocks or finding.subject not in NEEDED_LATER]


def words(findings: Sequence[Finding]) -> list[tuple[str, str, bool]]:
    """Return check, subject and whether it blocks."""
    return [(finding.check, finding.subject, finding.blocks) for finding in findings]


async def test_what_was_never_needed_is_a_notice(stand: Stand) -> None:
    """A shop without charges needs no charge product; it is told what would need one."""
    findings = await preflight_of(stand).check(STORE)
    assert {finding.subject for finding in findings} == NEEDED_LATER
    assert not any(finding.blocks for finding in findings)


RULES: list[tuple[Sequence[Mapping], tuple[str, str, bool]]] = [
    ([SalesRulesSet(zero_prices="adjust_stock")], ("account", "cost_account", True)),
    ([SalesRulesSet(cost_account="Nowhere")], ("account", "Nowhere", True)),
    ([SalesRulesSet(waste_account="Nowhere")], ("account", "Nowhere", True)),
    ([SalesRulesSet(opening_account="Nowhere")], ("account", "Nowhere", True)),
    ([SalesRulesSet(discount_account="Nowhere")], ("account", "Nowhere", True)),
    ([SalesRulesSet(sales_return_account="Nowhere")], ("account", "Nowhere", True)),
    ([SalesRulesSet(stored_value_clearing="Nowhere")], ("account", "Nowhere", True)),
    ([SalesRulesSet(stored_value_clearing="Sales Return")], ("account_category", "Sales Return", True)),
    ([SalesRulesSet(waste_account="Bank BCA")], ("account_category", "Bank BCA", True)),
    ([SalesRulesSet(charge_product="CHARGE")], ("product", "CHARGE", True)),
    ([SalesRulesSet(shipping_product="SHIPPING")], ("product", "SHIPPING", True)),
    ([SalesRulesSet(charge_product="LATTE")], ("product_tracked", "LATTE", True)),
    (
        [SalesRulesSet(stored_value=(StoredValue("points", "Goods Received"),))],
        ("account", "stored_value_clearing", True),
    ),
    (
        [SalesRulesSet(stored_value=(POINTS,), stored_value_clearing="Cash")],
        ("account", "Customer Points", True),
    ),
    (
        [SalesRulesSet(stored_value=(StoredValue("points", "Sales Return"),), stored_value_clearing="Cash")],
        ("account_category", "Sales Return", True),
    ),
    (
        [SalesRulesSet(stored_value=(StoredValue("cash", "Goods Received"),), stored_value_clearing="Cash")],
        ("payment", "cash", True),
    ),
    ([SalesRulesSet(stored_value_products={"TOPUP": "Goods Received"})], ("product", "TOPUP", True)),
    (
        [SalesRulesSet(stored_value_products={"ISELLER-ROUNDING": "Goods Received"})],
        ("product_account", "ISELLER-ROUNDING", True),
    ),
    ([SalesAccountsMapped(scope="", account="Nowhere")], ("account", "Nowhere", True)),
    ([SalesAccountsMapped(scope="", products={"LATTE": "Other Income"})], ("product_account", "'LATTE'", True)),
    (
        [SalesAccountsMapped(scope="", products={"ISELLER-ROUNDING": "Other Income"})],
        ("product_account", "ISELLER-ROUNDING", True),
    ),
    ([SalesAccountsMapped(scope="main", products={"LATTE": "Other Income"})], ("sales_account_conflict", "main", True)),
    (
        [SalesAccountsMapped(scope="", account="Service Revenue"), SalesAccountsMapped(scope="main", account="Cash")],
        ("sales_account_conflict", "main", True),
    ),
    (
        [ChannelMapped(channel="web", channel_name="Web", warehouse="Nowhere")],
        ("warehouse", "Nowhere", True),
    ),
    (
        [ChannelMapped(channel="web", channel_name="Web", warehouse="Main Warehouse", payout_account="Inventory")],
        ("account_category", "Inventory", True),
    ),
    (
        [OutletMapped(outlet_id="main", outlet_name="Main", warehouse="Main Warehouse", mdr_account="Nowhere")],
        ("account", "Nowhere", True),
    ),
    (
        [
            OutletMapped(
                outlet_id="main",
                outlet_name="Main",
                warehouse="Main Warehouse",
                payments=(PaymentMapping("custom", "Sales Return"),),
            )
        ],
        ("account_category", "Sales Return", True),
    ),
]


@pytest.mark.parametrize(("settings", "finding"), RULES)
async def test_what_the_settings_name_or_lack_is_found(
    stand: Stand, settings: Sequence[Mapping], finding: tuple[str, str, bool]
) -> None:
    """Every account and product that is named anywhere, with a category that works; each finding says what to do."""
    await told(stand, *settings)
    findings = await found(stand)
    assert finding in words(findings)
    assert all(each.what_to_do for each in findings)


async def test_a_product_on_another_account_than_an_outlet_s_is_no_problem_with_a_reclass(stand: Stand) -> None:
    """The rule says that a journal entry moves the sale."""
    other = SalesAccountsMapped(scope="main", products={"LATTE": "Other Income"})
    await told(stand, other, SalesRulesSet(sales_account_conflict="reclass"))
    assert await found(stand) == []


async def test_an_archived_product_is_a_problem(stand: Stand) -> None:
    """Jurnal takes no sale of it; the code is told."""
    rounding = stand.sandbox.company.products_by_code["ISELLER-ROUNDING"]
    rounding.archived = True
    assert ("product_archived", "'ISELLER-ROUNDING'", True) in words(await found(stand))


async def test_a_plan_without_inventory_is_a_problem(stand: Stand) -> None:
    """The company says so itself; its warehouses answer 403."""
    stand.sandbox.change_settings(plan_with_inventory=False)
    findings = words(await found(stand))
    assert ("plan", "inventory", True) in findings


@pytest.mark.parametrize(
    ("closed", "rules", "finding"),
    [
        (date(2026, 11, 21), SalesRulesSet(), [("books", "2026-11-20", True)]),
        (date(2026, 11, 20), SalesRulesSet(), [("books", "2026-11-19", False)]),
        (date(2026, 10, 31), SalesRulesSet(closed_period="first_open_day"), []),
        (date(2026, 10, 31), SalesRulesSet(closed_period="fail"), [("books", "2026-10-30", False)]),
    ],
)
async def test_closed_books_are_a_problem_only_where_something_would_fail(
    stand: Stand, closed: date, rules: SalesRulesSet, finding: list[tuple[str, str, bool]]
) -> None:
    """Jurnal takes what is dated on its closing day; closed beyond today nothing can be booked."""
    stand.sandbox.change_settings(last_closing_date=closed)
    await told(stand, rules)
    assert words(await found(stand)) == finding


async def test_when_the_books_were_closed_is_noted_once_in_the_ledger(stand: Stand) -> None:
    """Folds know it from then on; a later word replaces it, the same one is no fact."""
    for closed, facts in ((date(2026, 9, 30), 1), (date(2026, 9, 30), 1), (date(2026, 10, 31), 2)):
        stand.sandbox.change_settings(last_closing_date=closed)
        await found(stand)
        assert len(await stand.facts("BooksClosed")) == facts
    await stand.fold()
    assert (await read_settings(stand.pool, STORE)).books_closed == date(2026, 10, 30)


@pytest.mark.parametrize(
    ("off", "finding"), [(20, []), (60, [("clock", "clock", False)]), (-110, [("clock", "clock", True)])]
)
async def test_a_clock_that_is_off_is_told_before_jurnal_refuses_it(
    stand: Stand, off: int, finding: list[tuple[str, str, bool]]
) -> None:
    """From the Date of Jurnal's answer; the fence of a lost attempt allows for 120 s."""
    stand.sandbox.change_settings(clock_off_seconds=off)
    findings = await found(stand)
    assert words(findings) == finding
    assert all(f"{off:+d} s" in each.problem for each in findings)


async def test_a_clock_beyond_what_jurnal_takes_is_told_with_the_seconds(stand: Stand) -> None:
    """Jurnal answers 401 and its time: the clock, not the credential."""
    stand.sandbox.change_settings(clock_off_seconds=400)
    findings = await found(stand)
    assert words(findings) == [("clock", "clock", True)]
    assert "+400 s" in findings[0].problem


async def test_a_spent_hour_is_a_notice(database_url: str) -> None:
    """It is told from Jurnal's own headers."""
    consumer = replace(SETTINGS.consumers[0], limit_hour=70)
    settings: SandboxSettings = replace(SETTINGS, consumers=(consumer,))
    async with open_stand(database_url, settings=settings) as stand:
        await stand.connect(live=False)
        spent = 70 - sum(stand.sandbox.calls.values())
        for _ in range(spent - 1):
            await stand.shop.call("GET", "/public/jurnal/api/v1/tags")
        assert ("quota", "hour", False) in words(await found(stand))


ORDERS: list[tuple[dict[str, Any], list[tuple[str, str, bool]]]] = [
    ({"transactions": [paid("t", 1)]}, []),
    ({"transactions": [paid("t", 1, gateway="gift_card")]}, [("payment", "gift_card", True)]),
    (
        {"transactions": [paid("t", 1, gateway="Custom", payment_type_name="OVO")]},
        [("payment", "custom (OVO)", True)],
    ),
    ({"order_details": [taxed(tax_percentage="10.50")]}, [("tax", "10.5 %", True)]),
    ({"order_details": [taxed(tax_percentage="11.0000")]}, []),
    ({"order_details": [line("")]}, [("sku", "sales", True)]),
    ({"order_details": [line("TEA")]}, [("sku", "1 SKUs", True)]),
    ({"order_details": [line(" LATTE ")]}, []),
    ({"total_additional_final_amount": 500}, [("product", "charge_product", True)]),
    ({"total_shipping_amount": 500}, [("product", "shipping_product", True)]),
    (
        {"order_details": [line(product_composites=[{"sku": "MOCHA", "quantity": 1}])]},
        [("account", "cost_account", True)],
    ),
    ({"outlet_id": "kiosk", "outlet_name": "Kiosk"}, [("outlet", "Kiosk", False)]),
    ({"outlet_id": "kiosk", "transactions": [paid("t", 1, gateway="gift_card")]}, [("outlet", "Main Outlet", False)]),
    ({"channel": "marketplace", "channel_detail": "Tokopedia"}, [("channel", "marketplace:tokopedia", False)]),
    ({"channel": "online", "outlet_id": None}, [("channel", "web", False)]),
]


@pytest.mark.parametrize(("fields", "finding"), ORDERS)
async def test_what_orders_speak_of_and_is_not_mapped_is_found(
    stand: Stand, fields: dict[str, Any], finding: list[tuple[str, str, bool]]
) -> None:
    """In a mapped outlet it is a problem; an outlet or channel that is not mapped is out of scope, and a notice."""
    await stand.order(**fields)
    assert words(await found(stand)) == finding


async def test_goods_and_outlets_of_transfers_are_found_too(stand: Stand) -> None:
    """A SKU that Jurnal lacks fails there as in a sale."""
    await stand.transfer(1, {"inventory_adjustment_id": "a", "action": "Accept", "items": [{"sku": "SYRUP"}]})
    findings = await found(stand)
    assert words(findings) == [("sku", "1 SKUs", True)]
    assert "'SYRUP'" in findings[0].problem


async def test_a_refund_that_was_seen_needs_the_account_of_money_given_back(stand: Stand) -> None:
    """What was only a notice becomes a problem once it is needed."""
    await stand.order()
    await stand.report("refund", {"order_id": "order-1", "refund_date": "2026-11-20T02:00:00", "refund_amount": 1})
    assert ("account", "sales_return_account", True) in words(await found(stand))


async def test_only_the_newest_reports_are_looked_at(stand: Stand) -> None:
    """However long the ledger is, a preflight reads so many facts and no more."""
    await stand.order(1, transactions=[paid("t", 1, gateway="gift_card")])
    await stand.order(2)
    settings = StoreSettings(
        connection=CONNECTION, outlets={"main": OutletMapped(outlet_id="main", outlet_name="M", warehouse="W")}
    )
    assert (await seen_in(stand.reader, STORE, settings, facts_max=1)).reports == 1
    assert not (await seen_in(stand.reader, STORE, settings, facts_max=1)).unmapped_payments
    assert (await seen_in(stand.reader, STORE, settings)).unmapped_payments == {("gift_card", ""): 1}


async def product(stand: Stand, product_id: str, **fields: object) -> None:
    """Let iSeller report a product."""
    await stand.report("product", {"product_id": product_id, "name": f"Product {product_id}", **fields})


PRODUCTS: list[tuple[list[dict[str, object]], list[tuple[str, str, bool]]]] = [
    ([{"product_id": "p", "sku": "LATTE"}], []),
    ([{"product_id": "p", "sku": "TEA"}], [("sku", "1 SKUs", True)]),
    ([{"product_id": "p", "sku": "TEA", "is_active": False}], []),
    ([{"product_id": "p", "sku": ""}], [("sku", "no SKU", False)]),
    ([{"product_id": "p", "sku": "LATTE "}], [("sku", "white space", False)]),
    ([{"product_id": "p", "sku": "LATTE"}, {"product_id": "q", "sku": "LATTE"}], [("sku", "same SKU", False)]),
]


@pytest.mark.parametrize(("reports", "finding"), PRODUCTS)
async def test_products_of_iseller_are_compared_with_jurnal_s(
    stand: Stand, reports: list[dict[str, object]], finding: list[tuple[str, str, bool]]
) -> None:
    """Missing ones would fail when they are sold; what has no SKU or a doubtful one is told."""
    for fields in reports:
        await product(stand, **fields)  # type: ignore[arg-type]
    assert words(await found(stand)) == finding


async def test_an_outlet_that_iseller_has_and_nobody_mapped_is_a_notice(stand: Stand) -> None:
    """It is out of scope until it is mapped; one that is not in use is not told."""
    kiosk = msgspec.structs.replace(OUTLETS[0], outlet_id="kiosk", name="Kiosk")
    closed = msgspec.structs.replace(kiosk, outlet_id="old", name="Old", is_active=False)
    assert words(await found(stand, outlets=(*OUTLETS, kiosk, closed))) == [("outlet", "Kiosk", False)]


async def test_a_mapped_outlet_that_iseller_does_not_have_is_told(stand: Stand) -> None:
    """A mistyped id would leave all its sales out of scope."""
    findings = await found(stand, outlets=OUTLETS[:1])
    assert words(findings) == [("outlet", "Branch", False)]
    assert "'branch'" in findings[0].problem


async def test_an_iseller_that_does_not_answer_is_a_notice(stand: Stand) -> None:
    """What is mapped can be checked without it."""
    assert words(await found(stand, outlets=None)) == [("iseller", "outlets", False)]
