"""A set-up file that says everything: what becomes of it, what changes show, and what it leaves out stays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.facts.settings import (
    ChannelMapped,
    OutletMapped,
    PaymentMapping,
    SalesAccountsMapped,
    SalesRulesSet,
    SalesSync,
    StoredValue,
)
from eventstore.store import LedgerReader
from service.setup import StoreSetup
from service.setup_ledger import KnownSettings, read_known
from tests.integration.store_file import TEXT, write_store_file
from tests.integration.whole_store_file import WHOLE
from tests.ledger import MASTER, NOON, STORE, appender_on, open_test_pool, service_pool

RULES = SalesRulesSet(
    sync=SalesSync("shift_closing", ("12:00", "23:30")),
    charge_product="ISELLER-CHARGE",
    shipping_product="ISELLER-SHIPPING",
    charges_taxed=True,
    discount_account="Sales Discount",
    cost_account="Cost of Sales",
    waste_account="Waste Goods Expense",
    sales_return_account="Sales Return",
    stored_value_clearing="iSeller Stored Value Clearing",
    stored_value=(StoredValue("points", "Customer Points"), StoredValue("custom", "Gift Cards", "Voucher")),
    stored_value_products={"TOPUP-50": "Stored Value"},
    zero_prices="adjust_stock",
    sales_account_conflict="reclass",
    payment_method_kept=True,
    same_day_void="delete",
    void_restocks=False,
    taken_back_unsent="send_nothing",
    closed_period="fail",
    customer_ids=False,
    settlement_days=3,
    opening_account="Opening Balance Equity",
)
KIOSK = OutletMapped(
    outlet_id="kiosk",
    outlet_name="Kiosk",
    warehouse="Kiosk Warehouse",
    payout_account="Bank Kiosk",
    mdr_account="Kiosk Fees",
    time_zone="Asia/Makassar",
    payments=(PaymentMapping("external_debit", "Bank Kiosk", "EDC BCA", "EDC"),),
)
TOKOPEDIA = ChannelMapped(
    channel="marketplace",
    channel_name="Tokopedia",
    warehouse="Main Warehouse",
    channel_detail="tokopedia",
    payout_account="Bank BCA",
    payments=(PaymentMapping("custom", "Tokopedia Balance"),),
)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Give a pool that acts as the service."""
    async with service_pool(database_url) as opened:
        yield opened


def setup_on(pool: Pool) -> StoreSetup:
    """Return what applies set-up files."""
    return StoreSetup(pool, LedgerReader(pool), appender_on(pool), Credentials(pool, MASTER), ManualClock(NOON))


async def apply(pool: Pool, folder: Path, text: str, *, dry_run: bool = False) -> tuple[str, ...]:
    """Apply a text; return the changes."""
    return (await setup_on(pool).apply(write_store_file(folder, text), dry_run=dry_run)).changes


async def known(pool: Pool) -> KnownSettings:
    """Return the settings as the ledger has them."""
    return await read_known(LedgerReader(pool), STORE)


async def test_everything_a_store_can_say_becomes_facts(pool: Pool, tmp_path: Path) -> None:
    """Outlets, channels, accounts, rules; words in one spelling, times in order."""
    changes = await apply(pool, tmp_path, WHOLE)
    settings = await known(pool)
    assert settings.rules == RULES
    assert settings.outlets["kiosk"] == KIOSK
    assert settings.channels["marketplace:tokopedia"] == TOKOPEDIA
    assert set(settings.channels) == {"web", "marketplace:tokopedia"}
    assert settings.sales_accounts == {
        "": SalesAccountsMapped(scope="", account="Service Revenue", products={"MOCHA": "Coffee Sales"}),
        "kiosk": SalesAccountsMapped(scope="kiosk", account="Kiosk Sales"),
        "marketplace:tokopedia": SalesAccountsMapped(
            scope="marketplace:tokopedia", account="Marketplace Sales", products={"LATTE": "Tokopedia Coffee"}
        ),
    }
    assert settings.connection is not None
    assert settings.connection.transfer_sync.times == ("21:30",)
    assert "channel Tokopedia: new" in changes
    assert "sales: sync mode real_time → shift_closing" in changes
    assert "sales: stored_value custom/Voucher liability_account not set → Gift Cards" in changes


async def test_everything_applied_again_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    """Whatever its spelling."""
    await apply(pool, tmp_path, WHOLE)
    version = (await known(pool)).version
    assert (
        await apply(pool, tmp_path, WHOLE.replace('"Points"', '"points"').replace('Marketplace"', 'marketplace"')) == ()
    )
    assert (await known(pool)).version == version


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('account = "Cash"', 'account = "Bank BCA"', "store: payments cash account Cash → Bank BCA"),
        ('"11" = "PPN"', '"11" = "PPN 11"', "store: taxes 11 tax_name PPN → PPN 11"),
        ('times = ["21:30"]', 'times = ["21:30", "09:00"]', "store: transfer_sync times 21:30 → 09:00, 21:30"),
        ('payment_method = "EDC"', "", "outlet Kiosk: payments external_debit/EDC BCA payment_method EDC → not set"),
        ('name = "Web shop"', 'name = "Toko web"', "channel Toko web: channel_name Web shop → Toko web"),
        ('MOCHA = "Coffee Sales"', "", "sales accounts: products MOCHA Coffee Sales → not set"),
        (
            'products = { LATTE = "Tokopedia Coffee" }',
            'products = { LATTE = "Tea" }',
            "sales accounts of marketplace:tokopedia: products LATTE Tokopedia Coffee → Tea",
        ),
        ("charges_taxed = true", "", "sales: charges_taxed true → false"),
        ('"TOPUP-50" =', '"TOPUP-60" =', "sales: stored_value_products TOPUP-60 not set → Stored Value"),
        ('times = ["23:30", "12:00"]', 'times = ["23:30"]', "sales: sync times 12:00, 23:30 → 23:30"),
        ('opening_account = "Opening Balance Equity"', "", "sales: opening_account Opening Balance Equity → not set"),
    ],
)
async def test_each_field_that_changes_is_one_line_nested_ones_too(
    pool: Pool, tmp_path: Path, old: str, new: str, told: str
) -> None:
    """The subject, the field by its path, from what to what."""
    await apply(pool, tmp_path, WHOLE)
    assert old in WHOLE
    changes = await apply(pool, tmp_path, WHOLE.replace(old, new, 1))
    assert told in changes
    assert len(changes) <= 2


async def test_a_dry_run_tells_what_would_change_and_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    """The same lines as the real one; no fact, no secret."""
    await apply(pool, tmp_path, TEXT)
    version = (await known(pool)).version
    (tmp_path / "secrets" / "api-key").write_text("made-up")
    (tmp_path / "store.toml").write_text(WHOLE)
    dry = (await setup_on(pool).apply(tmp_path / "store.toml", dry_run=True)).changes
    assert (await known(pool)).version == version
    assert (await setup_on(pool).apply(tmp_path / "store.toml")).changes == dry
    assert dry[0].startswith("credential iseller-api-key: stored, fingerprint ")


async def test_a_dry_run_of_a_new_store_makes_no_ledger(database_url: str, tmp_path: Path) -> None:
    """A store that is only looked at does not exist."""
    pool = await open_test_pool(database_url)
    try:
        assert "store: new" in await apply(pool, tmp_path, TEXT, dry_run=True)
        assert await LedgerReader(pool).stores() == []
    finally:
        await pool.close()


async def test_what_a_file_leaves_out_stays_as_it_stands(pool: Pool, tmp_path: Path) -> None:
    """Mappings made by CSV or through the API survive a file that does not speak of them."""
    await apply(pool, tmp_path, WHOLE)
    before = await known(pool)
    silent = TEXT.replace('[[payments]]\ngateway = "cash"\naccount = "Cash"\n', "")
    silent += '\n[[outlets]]\nid = "kiosk"\nname = "Kiosk"\nwarehouse = "Other"\n'
    changes = await apply(pool, tmp_path, silent)
    after = await known(pool)
    assert set(changes) == {
        "store: transfer_sync mode scheduled → real_time",
        "store: transfer_sync times 21:30 → not set",
        "outlet Kiosk: warehouse Kiosk Warehouse → Other",
        "outlet Kiosk: payout_account Bank Kiosk → not set",
        "outlet Kiosk: mdr_account Kiosk Fees → not set",
        "outlet Kiosk: time_zone Asia/Makassar → not set",
    }
    assert (after.rules, after.sales_accounts, after.channels) == (before.rules, before.sales_accounts, before.channels)
    assert after.outlets["kiosk"].payments == KIOSK.payments


async def test_an_empty_list_takes_payments_away(pool: Pool, tmp_path: Path) -> None:
    """Left out they stay; written as empty they go."""
    await apply(pool, tmp_path, TEXT)
    gone = TEXT.replace('[[payments]]\ngateway = "cash"\naccount = "Cash"\n', "").replace("[iseller]", "[iseller]", 1)
    changes = await apply(pool, tmp_path, "payments = []\n" + gone)
    assert changes == ("store: payments cash account Cash → not set",)
