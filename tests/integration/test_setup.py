"""One file sets a store up: secrets into the credentials table, the rest as facts, only what differs."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.event import AppendResult, NewFact
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated
from eventstore.store import LedgerReader
from service.setup import StoreSetup
from service.setup_error import SetupError
from service.setup_ledger import setting_fact
from tests.integration.store_file import API_KEY, ISELLER_SECRET, JURNAL_SECRET, TEXT, write_store_file
from tests.ledger import MASTER, NOON, STORE, appender_on, service_pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Give a pool that acts as the service."""
    async with service_pool(database_url) as opened:
        yield opened


def setup_on(pool: Pool, appender: Appender | None = None) -> StoreSetup:
    """Return what applies set-up files."""
    return StoreSetup(
        pool, LedgerReader(pool), appender or appender_on(pool), Credentials(pool, MASTER), ManualClock(NOON)
    )


async def stored_facts(pool: Pool) -> list[str]:
    """Return the types of the store's facts."""
    return [fact.type for fact in await LedgerReader(pool).read_stream(STORE, SETTINGS_STREAM)]


async def test_a_file_becomes_facts_and_credentials(pool: Pool, tmp_path: Path) -> None:
    """The connection, each outlet, and three secrets by reference."""
    applied = await setup_on(pool).apply(write_store_file(tmp_path))
    assert applied.store_id == STORE
    assert [change.partition(",")[0] for change in applied.changes] == [
        "credential iseller-api-key: stored",
        "credential iseller-oauth: stored",
        "credential jurnal-hmac: stored",
        "store: new",
        "outlet Main Outlet: new",
        "outlet Branch: new",
    ]
    assert await stored_facts(pool) == ["StoreConnected", "OutletMapped", "OutletMapped"]
    assert await Credentials(pool, MASTER).read(STORE, "iseller-api-key") == API_KEY.encode()


async def test_applying_the_same_file_again_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    """No fact, no credential, no line."""
    path = write_store_file(tmp_path)
    await setup_on(pool).apply(path)
    assert (await setup_on(pool).apply(path)).changes == ()
    assert len(await stored_facts(pool)) == 3


async def test_a_changed_entry_makes_one_fact_and_says_from_what_to_what(pool: Pool, tmp_path: Path) -> None:
    """The other outlet and the connection are left alone."""
    await setup_on(pool).apply(write_store_file(tmp_path))
    changed = write_store_file(tmp_path, TEXT.replace('"Branch Warehouse"', '"Kelapa Gading"'))
    applied = await setup_on(pool).apply(changed)
    assert applied.changes == ("outlet Branch: warehouse Branch Warehouse → Kelapa Gading",)
    assert len(await stored_facts(pool)) == 4


async def test_what_a_file_leaves_out_is_shown_and_taken_away_only_on_an_explicit_word(
    pool: Pool, tmp_path: Path
) -> None:
    """Shown each time and kept; with the word it goes, with its sales accounts, once; no outlets at all name none."""
    setup = setup_on(pool)
    whole = TEXT + 'sales_accounts = { account = "Branch Sales" }\n'
    await setup.apply(write_store_file(tmp_path, whole))
    before = len(await stored_facts(pool))
    without = write_store_file(tmp_path, TEXT[: TEXT.index("[[outlets]]", TEXT.index("[[outlets]]") + 1)])
    for _ in range(2):
        kept = await setup.apply(without)
        assert (kept.changes, kept.left) == ((), ("outlet Branch",))
    lines = ("sales accounts of branch: taken away", "outlet Branch: mapped no more")
    looked = await setup.apply(without, unmap=True, dry_run=True)
    assert (looked.changes, looked.left) == (lines, ())
    assert len(await stored_facts(pool)) == before
    assert (await setup.apply(without, unmap=True, actor="owner")).changes == lines
    assert list((await setup.known(STORE)).outlets) == ["main"]
    assert (await setup.known(STORE)).sales_accounts == {}
    again = await setup.apply(without, unmap=True)
    assert (again.changes, again.left) == ((), ())
    assert (await stored_facts(pool))[before:] == ["MappingRemoved", "MappingRemoved"]
    none = write_store_file(tmp_path, TEXT[: TEXT.index("[[outlets]]")])
    assert (await setup.apply(none, unmap=True)).changes == ()
    assert (await setup.apply(write_store_file(tmp_path, whole))).changes == (
        "outlet Branch: new",
        "sales accounts of branch: new",
    )


async def test_a_new_secret_is_stored_and_named_by_its_fingerprint(pool: Pool, tmp_path: Path) -> None:
    """The fact names the new fingerprint; the secret itself is shown nowhere."""
    path = write_store_file(tmp_path)
    await setup_on(pool).apply(path)
    (tmp_path / "secrets" / "jurnal").write_text("another-secret")
    changes = (await setup_on(pool).apply(path)).changes
    assert [change.split(" ")[1].rstrip(":") for change in changes] == ["jurnal-hmac", "jurnal_fingerprint"]
    assert "another-secret" not in "".join(changes)


async def test_no_secret_stands_in_a_fact_or_in_clear_in_the_database(
    pool: Pool, tmp_path: Path, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Facts name credentials by fingerprint; the table holds them sealed."""
    applied = await setup_on(pool).apply(write_store_file(tmp_path))
    written = b"".join(row["body"] for row in await connection.fetch("SELECT body FROM facts"))
    written += b"".join(row["sealed"] for row in await connection.fetch("SELECT sealed FROM credential"))
    written += "".join(applied.changes).encode()
    for secret in (API_KEY, ISELLER_SECRET, JURNAL_SECRET):
        assert secret.encode() not in written


WRONG_SALES = [
    ("charge_prodct = 'X'", "sales.charge_prodct is unknown; did you mean charge_product?"),
    ("settlement_days = 'two'", "sales.settlement_days: Expected `int`, got `str`"),
    ("settlement_days = 0", "sales: settlement_days 0 must be 1 or more"),
    ("zero_prices = 'drop'", "sales.zero_prices: Invalid enum value 'drop'"),
    ("sales_account_conflict = 'ignore'", "sales.sales_account_conflict: Invalid enum value 'ignore'"),
    ("same_day_void = 'void'", "sales.same_day_void: Invalid enum value 'void'"),
    ("taken_back_unsent = true", "sales.taken_back_unsent: Expected `str`, got `bool`"),
    ("closed_period = 'later'", "sales.closed_period: Invalid enum value 'later'"),
    ("charge_product = ' CHARGE'", "sales: charge_product ' CHARGE' has white space around it"),
    ("cost_account = ''", "sales: cost_account is empty; fill it in, or leave it out"),
    ("[sales.sync]\nmode = 'hourly'", "sales.sync.mode: Invalid enum value 'hourly'"),
    ("[sales.sync]\ntimes = ['21:00']", "sales.sync.mode is missing; add it"),
    ("[sales.sync]\nmode = 'scheduled'", 'sales: sync: mode "scheduled" needs times'),
    ("[sales.sync]\nmode = 'shift_closing'", "orders without a register go at them"),
    ("[sales.sync]\nmode = 'real_time'\ntimes = ['21:00']", 'times have no meaning with mode "real_time"'),
    ("[sales.sync]\nmode = 'scheduled'\ntimes = ['9:00']", "sync: '9:00' must be a time of day"),
    ("[[sales.stored_value]]\ngateway = 'points'", "sales.stored_value 'points': liability_account is missing"),
    (
        "\n".join(
            f"[[sales.stored_value]]\ngateway = '{gateway}'\nliability_account = 'A'"
            for gateway in ("points", "POINTS")
        ),
        "sales: stored_value: gateway 'points' stands there 2 times",
    ),
    ("[sales.stored_value_products]\n'TOPUP ' = 'A'", "stored_value_products 'TOPUP ' is empty or has white space"),
    ("[sales.stored_value_products]\nTOPUP = 7", "sales.stored_value_products.'TOPUP': Expected `str`, got `int`"),
]
WRONG_MAPPINGS = [
    ("[[channels]]\nchannel = 'web'\nwarehouse = 'W'", "channels 'web': name is missing; add it"),
    ("[[channels]]\nchannel = 'pos'\nname = 'P'\nwarehouse = 'W'", "channel P: channel 'pos' is none of web"),
    (
        "\n".join(f"[[channels]]\nchannel = '{channel}'\nname = 'A'\nwarehouse = 'W'" for channel in ("web", "Web")),
        "channels: channel 'web' stands there 2 times",
    ),
    (
        "[[channels]]\nchannel = 'web'\nname = 'Shop'\nwarehouse = 'W'\ntime_zone = 'WITA'",
        "channel Shop: time_zone 'WITA' is no time zone",
    ),
    ("[sales_accounts]\nacount = 'Sales'", "sales_accounts.acount is unknown; did you mean account?"),
    ("[sales_accounts.products]\n' LATTE' = 'Sales'", "sales accounts: products ' LATTE' is empty or has white space"),
    ("[sales_accounts]\nproducts = 'LATTE'", "sales_accounts.products: Expected `object`, got `str`"),
    ("[[outlets]]\nid = 'x'\nname = ''\nwarehouse = 'W'", "outlet_name is empty"),
    ("[outlets.sales_accounts]\nproduct = {}", "outlets 'Branch': sales_accounts.product is unknown"),
    ("[[outlets.payments]]\ngateway = 'cash'", "outlets 'Branch': payments 'cash': account is missing; add it"),
    ("sales = 'all'", "must be a table"),
    ("channels = { web = 'x' }", "channels: must be a list"),
]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('warehouse = "Branch Warehouse"', "", "outlets 'Branch': warehouse is missing; add it"),
        ('id = "main"', "id = 7", "outlets 'Main Outlet': id: Expected `str`, got `int`"),
        (
            'gateway = "cash"',
            'gateway = "cash"\nacount = "Kas"',
            "payments 'cash': acount is unknown; did you mean account?",
        ),
        ('gateway = "cash"', 'gateway = "cash"\npayment_type = "A"', "did you mean payment_type_name?"),
        ("[taxes]", "[taxes", "is not TOML"),
        ('mdr_account = "iSeller Pay MDR"', "", "mdr_account is missing; add it"),
        ('store = "kopi-nusantara"', 'store = "Kopi Nusantara"', "store 'Kopi Nusantara' must be up to 40 of a-z"),
        ('store = "kopi-nusantara"', 'store = "kopi\\u0000"', "must be up to 40 of a-z"),
        ('time_zone = "Asia/Jakarta"', 'time_zone = "Jakarta"', "store: time_zone 'Jakarta' is no time zone"),
        ('id = "branch"', 'id = "branch"\ntime_zone = "WIB"', "outlet Branch: time_zone 'WIB' is no time zone"),
        ('id = "branch"', 'id = "main"', "outlets: id 'main' stands there 2 times"),
        ('"11" = "PPN"', '"11.0" = "PPN"', "taxes: '11.0' must be a percentage without trailing zeros"),
        ("[[outlets]]", '[[payments]]\ngateway = "Cash"\naccount = "Bank BCA"\n[[outlets]]', "gateway 'cash'"),
        ("[jurnal]", '[transfer_sync]\nmode = "scheduled"\n[jurnal]', "a schedule needs times"),
        ("[jurnal]", '[transfer_sync]\nmode = "hourly"\n[jurnal]', "transfer_sync.mode: Invalid enum value 'hourly'"),
        (
            "[jurnal]",
            '[transfer_sync]\nmode = "scheduled"\ntimes = ["24:00"]\n[jurnal]',
            "'24:00' must be a time of day from 00:00 to 23:59",
        ),
        ("[jurnal]", '[transfer_sync]\nmode = "manual"\ntimes = ["09:00"]\n[jurnal]', 'no meaning with mode "manual"'),
        ('loss_account = "Waste', 'los_account = "Waste', "los_account is unknown; did you mean loss_account?"),
        (
            'mdr_account = "iSeller Pay MDR"',
            'mdr_account = "iSeller Pay MDR "',
            "store: mdr_account 'iSeller Pay MDR '",
        ),
        ('url = "http://127.0.0.1:9"', 'url = "kopi.example"', "must begin with https://"),
        ('company = "kopi-company"', 'company = "kopi-company"\nterm_days = -1', "term_days -1 must not be negative"),
        ('company = "kopi-company"', 'company = "kopi-company"\ntax_decimals = 9', "tax_decimals 9 must be from 0"),
        ("secrets/jurnal", "secrets/nowhere", "cannot read the secret file secrets/nowhere: No such file"),
        *((TEXT, f"{TEXT}\n[sales]\n{entry}", told) for entry, told in WRONG_SALES if not entry.startswith("[")),
        *((TEXT, f"{TEXT}\n{entry}", told) for entry, told in WRONG_SALES if entry.startswith("[")),
        *((TEXT, f"{TEXT}\n{entry}", told) for entry, told in WRONG_MAPPINGS if entry.startswith("[")),
        *((TEXT, f"{entry}\n{TEXT}", told) for entry, told in WRONG_MAPPINGS if not entry.startswith("[")),
    ],
)
async def test_a_wrong_entry_is_named_and_nothing_is_changed(
    pool: Pool, tmp_path: Path, old: str, new: str, told: str
) -> None:
    """What a person can mend is one sentence about one entry."""
    assert old in TEXT
    with pytest.raises(SetupError) as refused:
        await setup_on(pool).apply(write_store_file(tmp_path, TEXT.replace(old, new, 1)))
    assert told in str(refused.value)
    assert await stored_facts(pool) == []
    assert await Credentials(pool, MASTER).read(STORE, "iseller-api-key") is None


async def test_everything_that_is_wrong_is_told_at_once(pool: Pool, tmp_path: Path) -> None:
    """Each line begins with the file and names one entry: nobody mends them one by one."""
    text = TEXT.replace('warehouse = "Branch Warehouse"', "").replace('mdr_account = "iSeller Pay MDR"', "mdr = 1")
    with pytest.raises(SetupError) as refused:
        await setup_on(pool).apply(write_store_file(tmp_path, f"{text}\n[sales]\nzero_prices = 0"))
    told = str(refused.value).splitlines()
    assert [line.partition("store.toml: ")[2].partition(" ")[0] for line in told] == [
        "mdr",
        "mdr_account",
        "outlets",
        "sales.zero_prices:",
    ]
    named = TEXT.replace('time_zone = "Asia/Jakarta"', 'time_zone = "Jakarta"').replace('"11" =', '"11.0" =')
    with pytest.raises(SetupError) as refused:
        await setup_on(pool).apply(write_store_file(tmp_path, f"{named}\n[sales]\nsettlement_days = 0"))
    assert len(str(refused.value).splitlines()) == 3


async def test_an_empty_secret_file_is_refused(pool: Pool, tmp_path: Path) -> None:
    """A secret that is not there yet must not overwrite one that is."""
    path = write_store_file(tmp_path)
    (tmp_path / "secrets" / "jurnal").write_text("\n")
    with pytest.raises(SetupError, match="the secret file secrets/jurnal is empty"):
        await setup_on(pool).apply(path)


async def test_a_file_that_is_not_there_is_named(pool: Pool, tmp_path: Path) -> None:
    """The path and why it cannot be read."""
    with pytest.raises(SetupError, match=r"gone.toml: cannot be read: No such file"):
        await setup_on(pool).apply(tmp_path / "gone.toml")


class Overtaken(Appender):
    """An appender on whose way somebody else's change of the settings lands first."""

    other: StoreSetup
    path: Path

    async def append(self, store_id: str, facts: list[NewFact]) -> list[AppendResult]:  # type: ignore[override]
        """Let the other apply, then append."""
        await self.other.apply(self.path)
        return await super().append(store_id, facts)


async def test_a_live_store_stays_in_its_company(pool: Pool, tmp_path: Path) -> None:
    """What was booked stands in the old company: the file is refused, with its secrets; before Live Mode it is not."""
    await setup_on(pool).apply(write_store_file(tmp_path))
    moved = TEXT.replace('"kopi-company"', '"other-company"')
    assert (await setup_on(pool).apply(write_store_file(tmp_path, moved))).changes == (
        "store: company_id kopi-company → other-company",
    )
    live = LiveModeActivated(actor="owner", activated_at=NOON)
    await appender_on(pool).append(STORE, [setting_fact(live, len(await stored_facts(pool)), NOON)])
    back = write_store_file(tmp_path)
    (tmp_path / "secrets" / "jurnal").write_text("another-secret")
    with pytest.raises(SetupError, match="company 'kopi-company' must stay 'other-company': Live Mode is on"):
        await setup_on(pool).apply(back)
    assert len(await stored_facts(pool)) == 5
    assert JURNAL_SECRET.encode() in (await Credentials(pool, MASTER).read(STORE, "jurnal-hmac") or b"")
    assert (await setup_on(pool).apply(write_store_file(tmp_path, moved))).changes == ()


async def test_two_changes_at_once_do_not_overwrite_each_other(pool: Pool, tmp_path: Path) -> None:
    """The second one is told to look and apply again; then it does."""
    await setup_on(pool).apply(write_store_file(tmp_path))
    (tmp_path / "other").mkdir()
    appender = Overtaken(pool, ManualClock(NOON))
    appender.other = setup_on(pool)
    appender.path = write_store_file(tmp_path / "other", TEXT.replace("Branch Warehouse", "Their Warehouse"))
    ours = write_store_file(tmp_path, TEXT.replace("Branch Warehouse", "Our Warehouse"))
    (tmp_path / "secrets" / "jurnal").write_text("our-secret")
    with pytest.raises(SetupError, match="somebody else changed the settings at the same time"):
        await setup_on(pool, appender).apply(ours)
    last = (await LedgerReader(pool).read_stream_end(STORE, SETTINGS_STREAM))[0]
    assert msgspec.json.decode(last.body)["warehouse"] == "Their Warehouse"
    assert b"our-secret" not in (await Credentials(pool, MASTER).read(STORE, "jurnal-hmac") or b"our-secret")
    (tmp_path / "secrets" / "jurnal").write_text(JURNAL_SECRET)
    applied = await setup_on(pool).apply(ours)
    assert applied.changes == ("outlet Branch: warehouse Their Warehouse → Our Warehouse",)
