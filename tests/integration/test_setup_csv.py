"""Mapping in bulk: CSV in, facts out; one wrong cell is named and nothing is changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.facts.settings import OutletMapped, PaymentMapping
from eventstore.store import LedgerReader
from service.setup import Applied, StoreSetup
from service.setup_csv import COLUMNS, Table, mappings_of, read_rows, written
from service.setup_error import SetupError
from tests.integration.store_file import write_store_file
from tests.integration.whole_store_file import WHOLE
from tests.ledger import MASTER, NOON, OTHER_STORE, STORE, appender_on, service_pool

OUTLETS = "outlet_id,outlet_name,warehouse,time_zone\nmain,Main Outlet,Main Warehouse,\ndepok,Depok,Depok Warehouse,\n"
PAYMENTS = (
    "scope,gateway,payment_type_name,account,payment_method\n,cash,,Petty Cash,\nbranch,custom,OVO,OVO Balance,OVO\n"
)
PRODUCTS = "scope,sku,account\n,MOCHA,Coffee Sales\n,LATTE,Milk Sales\nweb,LATTE,Web Sales\n"
BY_TABLE: dict[Table, str] = {"outlets": OUTLETS, "payments": PAYMENTS, "products": PRODUCTS}


@pytest.fixture
async def setup(database_url: str, tmp_path: Path) -> AsyncIterator[StoreSetup]:
    """Give what maps a store that is set up whole."""
    async with service_pool(database_url) as pool:
        applied = setup_on(pool)
        await applied.apply(write_store_file(tmp_path, WHOLE))
        yield applied


def setup_on(pool: Pool) -> StoreSetup:
    """Return what applies mappings."""
    return StoreSetup(pool, LedgerReader(pool), appender_on(pool), Credentials(pool, MASTER), ManualClock(NOON))


async def take(setup: StoreSetup, table: Table, text: str, *, store: str = STORE, dry_run: bool = False) -> Applied:
    """Import a text."""
    rows = read_rows(text, table)
    return await setup.map(store, lambda known: mappings_of(rows, table, known), dry_run=dry_run)


async def test_outlets_are_mapped_and_those_left_out_stay(setup: StoreSetup) -> None:
    """A new row is a new outlet; a known one keeps its payments."""
    text = "outlet_id,outlet_name,warehouse\nkiosk,Kiosk,Kiosk Warehouse 2\ndepok,Depok,Depok Warehouse\n"
    applied = await take(setup, "outlets", text)
    assert applied.changes == (
        "outlet Kiosk: warehouse Kiosk Warehouse → Kiosk Warehouse 2",
        "outlet Kiosk: payout_account Bank Kiosk → not set",
        "outlet Kiosk: mdr_account Kiosk Fees → not set",
        "outlet Kiosk: time_zone Asia/Makassar → not set",
        "outlet Depok: new",
    )
    known = await setup.known(STORE)
    assert set(known.outlets) == {"main", "branch", "kiosk", "depok"}
    assert len(known.outlets["kiosk"].payments) == 1
    assert known.outlets["depok"] == OutletMapped(outlet_id="depok", outlet_name="Depok", warehouse="Depok Warehouse")


async def test_payments_are_added_and_changed_where_they_belong(setup: StoreSetup) -> None:
    """The store's, an outlet's; the others of the same place stay."""
    applied = await take(setup, "payments", PAYMENTS)
    assert applied.changes == (
        "store: payments cash account Cash → Petty Cash",
        "outlet Branch: payments custom/OVO account not set → OVO Balance",
        "outlet Branch: payments custom/OVO payment_method not set → OVO",
    )
    known = await setup.known(STORE)
    assert known.outlets["branch"].payments == (PaymentMapping("custom", "OVO Balance", "OVO", "OVO"),)
    assert known.channels["marketplace:tokopedia"].payments == (PaymentMapping("custom", "Tokopedia Balance"),)


async def test_sales_accounts_of_products_are_added_and_changed_by_scope(setup: StoreSetup) -> None:
    """The account of the whole scope stays as it stands."""
    applied = await take(setup, "products", PRODUCTS)
    assert applied.changes == ("sales accounts: products LATTE not set → Milk Sales", "sales accounts of web: new")
    known = await setup.known(STORE)
    assert known.sales_accounts[""].account == "Service Revenue"
    assert known.sales_accounts["web"].products == {"LATTE": "Web Sales"}


@pytest.mark.parametrize("table", list(COLUMNS))
async def test_the_same_file_again_changes_nothing(setup: StoreSetup, table: Table) -> None:
    """No line, no fact."""
    assert (await take(setup, table, BY_TABLE[table])).changes
    version = (await setup.known(STORE)).version
    assert (await take(setup, table, BY_TABLE[table])).changes == ()
    assert (await setup.known(STORE)).version == version


@pytest.mark.parametrize("table", list(COLUMNS))
async def test_a_dry_run_shows_the_lines_and_changes_nothing(setup: StoreSetup, table: Table) -> None:
    """The same lines as the real one."""
    version = (await setup.known(STORE)).version
    dry = await take(setup, table, BY_TABLE[table], dry_run=True)
    assert (await setup.known(STORE)).version == version
    assert await take(setup, table, BY_TABLE[table]) == dry


@pytest.mark.parametrize("table", list(COLUMNS))
async def test_what_is_exported_is_imported_without_a_change(setup: StoreSetup, table: Table) -> None:
    """One format, both ways; a spreadsheet's semicolons, byte order mark and line ends as well."""
    await take(setup, table, BY_TABLE[table])
    text = written(table, await setup.known(STORE))
    assert text.splitlines()[0] == ",".join(COLUMNS[table])
    assert len(text.splitlines()) > 2
    assert (await take(setup, table, text)).changes == ()
    spreadsheet = "\ufeff" + text.replace(",", ";").replace("\n", "\r\n")
    assert (await take(setup, table, spreadsheet)).changes == ()


def test_a_cell_with_a_comma_or_a_quote_comes_back_as_it_was() -> None:
    """Names are Jurnal's and may hold anything."""
    rows = read_rows('sku,account\nLATTE,"Kopi, ""Susu"""\n', "products")
    assert rows[0].cells == {"sku": "LATTE", "account": 'Kopi, "Susu"'}


WRONG: list[tuple[Table, str, str]] = [
    ("outlets", "", "line 1: column outlet_id is missing; add it to the first row"),
    ("outlets", "outlet_id,outlet_name\n", "line 1: column warehouse is missing"),
    ("outlets", "outlet_id,outlet_name,warehouse,account\n", "line 1: column 'account' is unknown; the first row may"),
    ("outlets", "outlet_id,outlet_name,warehouse,warehouse\n", "line 1: a column stands there twice"),
    ("outlets", f"{OUTLETS}kota,Kota,,\n", "line 4, column warehouse: is empty; fill it in"),
    ("outlets", f"{OUTLETS}kota,Kota,W\n", "line 4: has 3 columns, the first row has 4"),
    ("outlets", f"{OUTLETS}kota,Kota, W,\n", "line 4, column warehouse: ' W' has white space around it"),
    ("outlets", f"{OUTLETS}main,Main,W,\n", "line 4, column outlet_id: the same as line 2; keep one of them"),
    ("outlets", f"{OUTLETS}kota,Kota,W,WIB\n", "outlet Kota: time_zone 'WIB' is no time zone"),
    ("payments", f"{PAYMENTS},,,Kas,\n", "line 4, column gateway: is empty"),
    ("payments", f"{PAYMENTS},CASH,,Kas,\n", "line 4, column payment_type_name: the same as line 2"),
    ("payments", f"{PAYMENTS}nowhere,cash,,Kas,\n", "line 4, column scope: no outlet or channel 'nowhere' is mapped"),
    ("products", f"{PRODUCTS},LATTE,Other\n", "line 5, column sku: the same as line 3"),
    ("products", f"{PRODUCTS},TEA ,Other\n", "line 5, column sku: 'TEA ' has white space around it"),
    ("products", f"{PRODUCTS}nowhere,TEA,Other\n", "line 5, column scope: no outlet or channel 'nowhere'"),
    ("products", f"{PRODUCTS},TEA,\n", "line 5, column account: is empty"),
]


@pytest.mark.parametrize(("table", "text", "told"), WRONG)
async def test_a_wrong_cell_is_named_with_line_and_column_and_nothing_is_changed(
    setup: StoreSetup, table: Table, text: str, told: str
) -> None:
    """All or nothing: the good rows of a bad file are not applied either."""
    version = (await setup.known(STORE)).version
    with pytest.raises(SetupError) as refused:
        await take(setup, table, text)
    assert told in str(refused.value)
    assert (await setup.known(STORE)).version == version


def test_all_wrong_cells_are_named_at_once() -> None:
    """Nobody mends them one by one."""
    with pytest.raises(SetupError) as refused:
        read_rows("sku,account\n,A\nB,\n C,D\n", "products")
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "line 2, column sku",
        "line 3, column account",
        "line 4, column sku",
    ]


async def test_a_store_that_is_not_connected_is_told_to_apply_a_file(setup: StoreSetup) -> None:
    """Mappings without a company mean nothing."""
    with pytest.raises(SetupError, match="no store 'teh-tawar' is connected; apply its set-up file"):
        await take(setup, "outlets", OUTLETS, store=OTHER_STORE)
