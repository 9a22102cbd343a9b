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
from service.setup import SetupError, StoreSetup, setting_fact
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


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('warehouse = "Branch Warehouse"', "", "`warehouse` - at `$.outlets[1]`"),
        ('id = "main"', "id = 7", "`str`, got `int` - at `$.outlets[0].id`"),
        ('gateway = "cash"', 'gateway = "cash"\nacount = "Kas"', "unknown field `acount` - at `$.payments[0]`"),
        ("[taxes]", "[taxes", "is not TOML"),
        ('mdr_account = "iSeller Pay MDR"', "", "`mdr_account`"),
        ('store = "kopi-nusantara"', 'store = "Kopi Nusantara"', "store 'Kopi Nusantara' must be up to 40 of a-z"),
        ('time_zone = "Asia/Jakarta"', 'time_zone = "Jakarta"', "time_zone 'Jakarta' is no time zone"),
        ('id = "branch"', 'id = "branch"\ntime_zone = "WIB"', "time_zone of outlet Branch 'WIB' is no time zone"),
        ('id = "branch"', 'id = "main"', "outlets: id 'main' stands there 2 times"),
        ('"11" = "PPN"', '"11.0" = "PPN"', "taxes: '11.0' must be a percentage without trailing zeros"),
        ("[[outlets]]", '[[payments]]\ngateway = "Cash"\naccount = "Bank BCA"\n[[outlets]]', "gateway 'cash'"),
        ("[jurnal]", '[transfer_sync]\nmode = "scheduled"\n[jurnal]', "a schedule needs times"),
        ("[jurnal]", '[transfer_sync]\nmode = "hourly"\n[jurnal]', "Invalid enum value 'hourly'"),
        (
            "[jurnal]",
            '[transfer_sync]\nmode = "scheduled"\ntimes = ["24:00"]\n[jurnal]',
            "'24:00' must be a time of day from 00:00 to 23:59",
        ),
        ("[jurnal]", '[transfer_sync]\nmode = "manual"\ntimes = ["09:00"]\n[jurnal]', "not with 'manual'"),
        ('loss_account = "Waste', 'los_account = "Waste', "unknown field `los_account`"),
        ("secrets/jurnal", "secrets/nowhere", "cannot read the secret file secrets/nowhere: No such file"),
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


async def test_an_empty_secret_file_is_refused(pool: Pool, tmp_path: Path) -> None:
    """A secret that is not there yet must not overwrite one that is."""
    path = write_store_file(tmp_path)
    (tmp_path / "secrets" / "jurnal").write_text("\n")
    with pytest.raises(SetupError, match="the secret file secrets/jurnal is empty"):
        await setup_on(pool).apply(path)


async def test_a_file_that_is_not_there_is_named(pool: Pool, tmp_path: Path) -> None:
    """The path and why it cannot be read."""
    with pytest.raises(SetupError, match=r"cannot read .*gone.toml: No such file"):
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
