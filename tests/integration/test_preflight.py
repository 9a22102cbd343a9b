"""Before Live Mode: everything that would fail is found, named, and comes with what to do."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from eventstore.facts.settings import SETTINGS_STREAM, OutletMapped, PaymentMapping, StoreConnected, TaxMapping
from service.preflight_finding import Finding, blocking
from tests.integration.dispatcher.checking import preflight_of
from tests.integration.dispatcher.stand import Stand, open_stand
from tests.ledger import STORE
from tests.story import CONNECTION, own


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a store that nobody has connected yet."""
    async with open_stand(database_url) as opened:
        yield opened


async def problems_of(stand: Stand, url: str | None = None) -> list[Finding]:
    """Check the store; return what keeps Live Mode off."""
    return list(blocking(await preflight_of(stand, url=url).check(STORE)))


def connected(**changed: object) -> StoreConnected:
    """Return the made-up connection with some of it changed."""
    return msgspec.structs.replace(CONNECTION, **changed)


async def test_a_store_whose_mapping_stands_in_jurnal_is_clean(stand: Stand) -> None:
    """Nothing to complain of, and nothing was written to Jurnal."""
    await stand.connect(live=False)
    assert await problems_of(stand) == []
    assert stand.documents("sales_invoice") == 0


async def test_a_store_that_is_not_connected_is_told_to_apply_a_file(stand: Stand) -> None:
    """Nothing else can be checked."""
    (problem,) = await problems_of(stand)
    assert (problem.check, problem.subject) == ("connection", STORE)
    assert "setup apply" in problem.what_to_do


async def test_a_store_without_outlets_is_told_to_map_them(stand: Stand) -> None:
    """Nothing would be booked."""
    await stand.connect(live=False)
    await stand.migrator.execute("DELETE FROM store_setting WHERE name = 'OutletMapped'")
    (problem,) = await problems_of(stand)
    assert (problem.check, problem.what_to_do) == ("outlets", "Map the outlets to Jurnal warehouses in the set-up")


@pytest.mark.parametrize(
    ("changed", "check", "subject"),
    [
        ({"transit_warehouse": "Transit"}, "warehouse", "Transit"),
        ({"walk_in_contact": "Nobody"}, "contact", "Nobody"),
        ({"rounding_product_code": "ROUND"}, "product", "ROUND"),
        ({"mdr_account": "Fees"}, "account", "Fees"),
        ({"clearing_account": "Klearing"}, "account", "Klearing"),
        ({"taxes": (TaxMapping("11", "PPN 11"),)}, "tax", "PPN 11"),
        ({"payments": (PaymentMapping("cash", "Laci Kas"),)}, "account", "Laci Kas"),
    ],
)
async def test_a_thing_that_jurnal_does_not_have_is_named(
    stand: Stand, changed: dict[str, object], check: str, subject: str
) -> None:
    """Each with its kind, its name, what it is for, and what to do."""
    await stand.connect(connected(**changed), live=False)
    (problem,) = await problems_of(stand)
    assert (problem.check, problem.subject) == (check, subject)
    assert problem.problem.startswith(f"Jurnal has no {check} '{subject}', which ")
    assert problem.what_to_do.startswith("Make it in Jurnal, or name another ")


async def test_all_findings_are_told_at_once(stand: Stand) -> None:
    """One check, one list: nobody mends them one by one."""
    await stand.connect(connected(transit_warehouse="A", walk_in_contact="B", mdr_account="C"), live=False)
    assert {problem.subject for problem in await problems_of(stand)} == {"A", "B", "C"}


async def test_the_warehouse_of_an_outlet_is_named_with_the_outlet(stand: Stand) -> None:
    """Each outlet is checked."""
    await stand.connect(live=False)
    outlet = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")
    await stand.appender.append(STORE, [own(outlet, SETTINGS_STREAM, "outlet:kiosk")])
    await stand.fold()
    (problem,) = await problems_of(stand)
    assert problem.problem == "Jurnal has no warehouse 'Kiosk Warehouse', which outlet Kiosk is mapped to"


STOCK_ACCOUNTS = ("loss_account", "goods_received_account", "stock_adjustment_account")


@pytest.mark.parametrize("setting", STOCK_ACCOUNTS)
async def test_a_stock_account_that_is_not_mapped_is_named_with_its_setting(stand: Stand, setting: str) -> None:
    """Records that need it would wait as Failed."""
    await stand.connect(connected(**{setting: None}), live=False)
    (problem,) = await problems_of(stand)
    assert (problem.check, problem.subject) == ("account", setting)
    assert problem.what_to_do == f"Name it as {setting} in the set-up file and apply the file"


@pytest.mark.parametrize("setting", STOCK_ACCOUNTS)
@pytest.mark.parametrize(("account", "category"), [("Inventory", "Inventory"), ("Bank BCA", "Cash & Bank")])
async def test_an_account_that_stock_cannot_stand_across_from_is_named(
    stand: Stand, setting: str, account: str, category: str
) -> None:
    """Its category is told, and which to name instead."""
    await stand.connect(connected(**{setting: account}), live=False)
    (problem,) = await problems_of(stand)
    assert (problem.check, problem.subject) == ("account_category", account)
    assert problem.problem.endswith(f"is {category}")


@pytest.mark.parametrize(
    "changed",
    [
        {"payments": (PaymentMapping("cash", "Accounts Receivable"),)},
        {"clearing_account": "Accounts Receivable"},
        {"payout_account": "Accounts Receivable"},
    ],
)
async def test_an_account_that_takes_money_in_must_be_cash_and_bank(stand: Stand, changed: dict[str, object]) -> None:
    """Jurnal takes money into no other category; the finding names the one it is of."""
    await stand.connect(connected(**changed), live=False)
    (problem,) = await problems_of(stand)
    assert problem.check == "account_category"
    assert problem.subject == "Accounts Receivable"
    assert "not Cash & Bank" in problem.problem


async def test_a_missing_credential_is_named_once(stand: Stand) -> None:
    """Without it nothing can be asked: one finding, not one for every name."""
    await stand.connect(live=False)
    await stand.migrator.execute("DELETE FROM credential")
    (problem,) = await problems_of(stand)
    assert (problem.check, problem.subject) == ("jurnal", "credential")
    assert problem.what_to_do == "Apply the set-up file again"


async def test_a_jurnal_that_is_not_there_is_named_once(stand: Stand) -> None:
    """An address where nobody listens."""
    await stand.connect(live=False)
    async with TestServer(web.Application(), host="127.0.0.1") as gone:
        url = str(gone.make_url("")).rstrip("/")
    (problem,) = await problems_of(stand, url)
    assert (problem.check, problem.subject) == ("jurnal", "Jurnal")
    assert "could not be reached" in problem.problem


async def test_a_clock_that_is_off_is_told_with_what_to_look_at(stand: Stand) -> None:
    """Jurnal answers 401: the credential or this machine's clock."""
    await stand.connect(live=False)
    stand.time.clock.advance(seconds=400)
    (problem,) = await problems_of(stand)
    assert "401" in problem.problem
    assert "clock" in problem.what_to_do
