"""The command line: what it writes, what it refuses, and that a person never sees a stack trace."""

import json
import re
import socket
import stat
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from eventstore.connection import open_pool
from eventstore.facts.settings import PaymentMapping
from eventstore.store import LedgerReader, open_ledger
from projections.sync_status.queries import read_stalls
from service.company_lease import CompanyLeases
from tests.folding import fold_all, rows_of, tell
from tests.integration.command_line import ROOT, Ended, environment, jurnalsync
from tests.integration.store_file import TEXT, write_store_file
from tests.ledger import NOON, OTHER_STORE, SERVICE_ROLE, STORE, appender_on, member
from tests.story import CONNECTION, Story, paid
from tests.unit.projections.test_payouts import payout

__all__ = ["environment"]  # the fixture


def plain(ended: Ended) -> str:
    """Return what the command complained of; it is told in words."""
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err
    assert ended.err.startswith(("jurnalsync: ", "Error: "))
    return ended.err


def words(ended: Ended) -> str:
    """Return what click says of wrong arguments, on one line."""
    return " ".join(ended.err.split())


async def test_a_key_is_made_once_and_never_overwritten(tmp_path: Path) -> None:
    """64 hex digits that only the owner can read; a second time is refused and changes nothing."""
    path = tmp_path / "sealing.key"
    assert (await jurnalsync("keys", "make", str(path))).code == 0
    made = path.read_text()
    assert len(bytes.fromhex(made.strip())) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "File exists" in plain(await jurnalsync("keys", "make", str(path)))
    assert path.read_text() == made


async def test_migrating_twice_is_migrating_once(empty_database_url: str) -> None:
    """The first time tells what was applied, the second has nothing to do."""
    first = await jurnalsync("migrate", DATABASE_URL=empty_database_url)
    assert (first.code, first.out.count("applied ")) == (0, len(list(ROOT.glob("*/migrations/*.sql"))))
    second = await jurnalsync("migrate", DATABASE_URL=empty_database_url)
    assert (second.code, second.out) == (0, "The schema is up to date.\n")


async def test_a_set_up_file_is_applied_once_and_then_has_no_change(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """The lines say what changed; no secret is among them."""
    path = str(write_store_file(tmp_path))
    first = await jurnalsync("setup", "apply", path, **environment)
    assert (first.code, first.out.splitlines()[-1]) == (0, "Store kopi-nusantara is set up.")
    assert "rahasia" not in first.out
    second = await jurnalsync("setup", "apply", path, **environment)
    assert (second.code, second.out) == (0, "Store kopi-nusantara: no change.\n")


async def test_a_wrong_set_up_file_is_answered_with_the_entry(environment: dict[str, str], tmp_path: Path) -> None:
    """The path, the entry, and what is wrong with it."""
    path = write_store_file(tmp_path, TEXT.replace('walk_in_contact = "Walk-in"', ""))
    complaint = plain(await jurnalsync("setup", "apply", str(path), **environment))
    assert complaint == f"jurnalsync: {path}: walk_in_contact is missing; add it\n"


async def test_an_unknown_setting_is_refused_with_the_nearest_one(environment: dict[str, str]) -> None:
    """A typing mistake must not silently leave a default in place."""
    complaint = plain(await jurnalsync("verify", **environment, JURNALSYNC_LEASE_SECOND="5"))
    assert "JURNALSYNC_LEASE_SECOND is no setting; the nearest is JURNALSYNC_LEASE_SECONDS" in complaint


async def test_what_is_not_set_is_named(environment: dict[str, str]) -> None:
    """Every missing variable, with its shape; never a value."""
    complaint = plain(await jurnalsync("serve", JURNALSYNC_DATABASE_URL=environment["JURNALSYNC_DATABASE_URL"]))
    assert "JURNALSYNC_API_TOKEN is not set" in complaint
    assert "JURNALSYNC_SEALING_KEY_FILE is not set" in complaint


async def test_a_missing_sealing_key_is_answered_with_what_to_do(environment: dict[str, str], tmp_path: Path) -> None:
    """Nothing is made up in its place."""
    environment["JURNALSYNC_SEALING_KEY_FILE"] = str(tmp_path / "gone.key")
    assert "make one with `jurnalsync keys make" in plain(await jurnalsync("verify", **environment))


@pytest.mark.parametrize("command", ["migrate", "verify"])
async def test_a_database_that_is_not_there_is_named_in_words(environment: dict[str, str], command: str) -> None:
    """Refused connections are for a person to mend, and no password is shown."""
    environment["JURNALSYNC_DATABASE_URL"] = "postgresql://owner:hush-hush@127.0.0.1:9/ledger"
    complaint = plain(await jurnalsync(command, **environment))
    assert "the database cannot be used" in complaint
    assert "Look whether it runs and can be reached, and at JURNALSYNC_DATABASE_URL" in complaint
    assert "hush-hush" not in complaint


async def test_a_database_that_takes_no_connections_is_named_in_words(environment: dict[str, str]) -> None:
    """Somebody restores it or moves it: that is said, and no stack is shown."""
    url = environment["JURNALSYNC_DATABASE_URL"]
    admin = await asyncpg.connect(url, database="postgres")
    name = url.partition("?")[0].rpartition("/")[2]
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    complaint = plain(await jurnalsync("store", "list", **environment))
    assert f'the database cannot be used: database "{name}" is not currently accepting connections' in complaint
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await admin.close()


async def test_transfers_are_sent_by_hand_for_a_range_of_dates(environment: dict[str, str], tmp_path: Path) -> None:
    """A fact with name and reason; asked again it is another fact, which lets nothing go twice."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path)), **environment)
    asked = ("sync", "transfers", "--store", "kopi-nusantara", "--actor", "owner", "--reason", "end of month")
    dates = ("--from", "2026-11-01", "--to", "2026-11-30")
    first = await jurnalsync(*asked, *dates, **environment)
    assert (first.code, first.out) == (0, "SyncRequested stands at position 4; the service acts on it at once.\n")
    assert (await jurnalsync(*asked, *dates, **environment)).code == 0
    backwards = await jurnalsync(*asked, "--from", "2026-11-30", "--to", "2026-11-01", **environment)
    assert backwards.code == 2
    assert "--to is before --from; name the earlier date first" in backwards.err


@pytest.mark.parametrize("name", ["LISTEN", "OPERATIONS"])
async def test_a_taken_port_is_named_with_its_setting(environment: dict[str, str], name: str) -> None:
    """The database has nothing to do with it: the address and the setting to change are told."""
    environment |= {"JURNALSYNC_LISTEN_PORT": "0", "JURNALSYNC_OPERATIONS_PORT": "0"}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await jurnalsync("serve", **{**environment, f"JURNALSYNC_{name}_PORT": str(port)})
    assert ended.code == 1
    assert "Traceback" not in ended.err
    told = f"cannot listen on 127.0.0.1:{port}: Address already in use. JURNALSYNC_{name}_PORT chooses another port."
    assert told in ended.err


async def test_sales_are_sent_by_hand_and_a_store_is_paused_and_resumed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Each is a fact with name and reason; without them nothing is decided."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path)), **environment)
    who = ("--store", "kopi-nusantara", "--actor", "owner", "--reason", "end of month")
    dates = ("--from", "2026-11-01", "--to", "2026-11-30")
    for command, told in (
        (("sync", "sales", *dates), "SyncRequested"),
        (("store", "pause"), "StorePaused"),
        (("store", "resume"), "StoreResumed"),
    ):
        done = await jurnalsync(*command, *who, **environment)
        assert done.code == 0, done
        assert done.out.startswith(f"{told} stands at position ")
        assert (await jurnalsync(*command, *who[:4], **environment)).code == 2
    again = plain(await jurnalsync("store", "resume", *who, **environment))
    assert again == "Error: store kopi-nusantara is not paused: nothing is to be done\n"


async def test_all_stores_are_listed_with_whether_they_send_and_if_not_why(environment: dict[str, str]) -> None:
    """An alert names no store: whoever is woken finds it here, and the company that other commands want."""
    story = Story()
    story.order()
    pool = await open_pool(environment["JURNALSYNC_DATABASE_URL"], role=SERVICE_ROLE, connections_max=2)
    for store_id in (STORE, OTHER_STORE):
        await open_ledger(pool, store_id, recorded_at=NOON)
    await tell(pool, story)
    sends, empty = await _stores_listed(environment)
    alone = "no: no replica has the company; does one run, and is its clock right?"
    assert sends == [STORE, CONNECTION.company_id, "on", alone, "1 Pending"]
    assert await CompanyLeases(pool, uuid4(), lease_seconds=600).acquire(CONNECTION.company_id) is not None
    sends, empty = await _stores_listed(environment)
    assert sends == [STORE, CONNECTION.company_id, "on", "yes", "1 Pending"]
    assert empty[:2] == [OTHER_STORE, "not connected"]
    await jurnalsync("store", "pause", "--store", STORE, "--actor", "owner", "--reason", "stock count", **environment)
    await fold_all(pool)
    paused, _ = await _stores_listed(environment)
    assert re.fullmatch(r"paused since 20\d\d-\d\d-\d\d \d\d:\d\d WIB by owner: stock count", paused[3])
    listed = await jurnalsync("sync", "list", "--store", STORE, **environment)
    assert listed.out.splitlines()[-1].startswith("Nothing is sent: the store is paused since 20")
    assert listed.out.endswith(" by owner: stock count. To go on: jurnalsync store resume\n")
    pool.terminate()


async def _stores_listed(environment: dict[str, str]) -> list[list[str]]:
    ended = await jurnalsync("store", "list", **environment)
    assert ended.code == 0, ended
    return [re.split(r"\s{2,}", line) for line in ended.out.splitlines()[1:]]


async def test_a_word_on_a_stream_is_taken_only_where_it_waits(environment: dict[str, str]) -> None:
    """Of another stream, or at another position, nothing would listen to it: it is refused, and what waits is told."""
    pool = await open_pool(environment["JURNALSYNC_DATABASE_URL"], role=SERVICE_ROLE, connections_max=2)
    await open_ledger(pool, STORE, recorded_at=NOON)
    odd = msgspec.structs.replace(member(1), stream_id="order-order-1", type="OrderRepainted")
    await appender_on(pool).append(STORE, [odd])
    await fold_all(pool)
    (waits_at,) = await read_stalls(pool, STORE, "order-order-1")
    head = await LedgerReader(pool).head(STORE)
    who = ("--store", STORE, "--actor", "owner", "--reason", "cannot be read")
    for word, told in (
        (("retry", "order-order-9"), f"no stream order-order-9 of store {STORE} waits; `jurnalsync sync list --kind"),
        (("skip", "order-order-9", f"{waits_at}"), "no stream order-order-9"),
        (("skip", "order-order-1", f"{waits_at + 1}"), f"stream order-order-1 waits at position {waits_at}"),
    ):
        ended = await jurnalsync("stream", *word, *who, **environment)
        assert (ended.code, told in words(ended)) == (2, True), ended
    assert await LedgerReader(pool).head(STORE) == head
    assert (await jurnalsync("stream", "skip", "order-order-1", f"{waits_at}", *who, **environment)).code == 0
    await fold_all(pool)
    assert await read_stalls(pool, STORE, "order-order-1") == []
    pool.terminate()


async def test_the_list_is_read_retried_and_skipped_in_a_terminal(environment: dict[str, str]) -> None:
    """A table with a sentence for each line, JSON for programs, and refusals that say what to do instead."""
    story = Story()
    story.order(order_reference="#3101-[1001]")
    story.report("payout", payout(outlet_id="kiosk"))
    pool = await open_pool(environment["JURNALSYNC_DATABASE_URL"], role=SERVICE_ROLE, connections_max=2)
    await open_ledger(pool, STORE, recorded_at=NOON)
    await tell(pool, story)
    listed = await jurnalsync("sync", "list", "--store", STORE, **environment)
    assert listed.code == 0, listed
    assert "#3101-[1001]" in listed.out
    assert "The payout's outlet is not mapped: kiosk. Map the outlet; the payout is then booked by itself" in listed.out
    assert "1 Failed, 1 Pending" in listed.out
    (line,) = [line for line in listed.out.splitlines() if line.startswith("Failed")]
    assert (line.split()[1], " 98,500 " in line, line.endswith("by itself")) == ("payout-PO-1", True, True)
    none = await jurnalsync("sync", "list", "--store", STORE, "--kind", "payout", "--status", "Held", **environment)
    assert none.out == "No records. Of any status: 1 Failed\n"
    lines = await jurnalsync("sync", "list", "--store", STORE, "--status", "Failed", "--json", **environment)
    (record,) = [json.loads(line) for line in lines.out.splitlines()]
    assert (record["record_id"], record["amount"], record["status"]) == ("payout-PO-1", "98500", "Failed")
    who = ("--store", STORE, "--actor", "owner", "--reason", "mended")
    every = await jurnalsync("sync", "retry", "--all", "--kind", "payout", *who, **environment)
    assert every.out == "1 records go again; `jurnalsync sync list` shows what becomes of them.\n"
    skipped = await jurnalsync("sync", "skip", "payout-PO-1", *who, **environment)
    assert skipped.out.startswith("The decision stands at position ")
    assert "It is on its way to Jurnal" in plain(await jurnalsync("sync", "retry", "sale-order-1", *who, **environment))
    assert "has no such record" in plain(await jurnalsync("sync", "skip", "sale-order-9", *who, **environment))
    for wrong in ((), ("sale-order-1", "--all"), ("sale-order-1", "--kind", "sale"), ("--all", "--kind", "sales")):
        assert (await jurnalsync("sync", "retry", *wrong, *who, **environment)).code == 2
    await fold_all(pool)
    assert {row["state"] for row in await rows_of(pool, "sync_record")} == {"booking", "skipped"}
    pool.terminate()


async def test_a_store_or_a_command_that_is_not_there_is_refused_and_nothing_is_decided(
    environment: dict[str, str],
) -> None:
    """A typing error is no empty list, and a decision about nothing is not said to be acted on."""
    story = Story()
    story.order()
    pool = await open_pool(environment["JURNALSYNC_DATABASE_URL"], role=SERVICE_ROLE, connections_max=2)
    await open_ledger(pool, STORE, recorded_at=NOON)
    await tell(pool, story)
    head = await LedgerReader(pool).head(STORE)
    who = ("--actor", "owner", "--reason", "mended")
    for wrong in (
        ("sync", "list", "--store", "nobody"),
        ("sync", "retry", "sale-order-1", "--store", "nobody", *who),
        ("store", "pause", "--store", "nobody", *who),
    ):
        ended = await jurnalsync(*wrong, **environment)
        assert ended.code == 2, ended
        assert f"there is no store nobody; known are {STORE}" in words(ended)
    for word in ("park", "release"):
        ended = await jurnalsync("command", word, "inv-nothing", "--store", STORE, *who, **environment)
        assert ended.code == 2, ended
        assert f"store {STORE} has no command inv-nothing" in words(ended)
    assert await LedgerReader(pool).head(STORE) == head
    pool.terminate()


async def test_a_word_on_a_command_stands_in_the_stream_of_its_document(environment: dict[str, str]) -> None:
    """Where a retry of its line puts it: a released command is planned anew by its document, however it is released."""
    story = Story(connection=msgspec.structs.replace(CONNECTION, payments=(PaymentMapping("cash", "Kas Kecill"),)))
    story.order(transactions=[paid("t1", 20_000)])
    invoice = f"inv-{STORE}.order-1"
    story.refuse(invoice, "no account")
    pool = await open_pool(environment["JURNALSYNC_DATABASE_URL"], role=SERVICE_ROLE, connections_max=2)
    await open_ledger(pool, STORE, recorded_at=NOON)
    await tell(pool, story)
    who = ("--store", STORE, "--actor", "owner", "--reason", "mended")
    for word in ("release", "park"):
        known = await jurnalsync("command", word, invoice, *who, **environment)
        assert known.code == 0, known
    words_said = await LedgerReader(pool).read_stream_end(STORE, "order-order-1", facts_max=2)
    assert [fact.type for fact in words_said] == ["CommandParked", "CommandReleased"]
    await fold_all(pool)
    assert [row["state"] for row in await rows_of(pool, "command")] == ["parked"]
    pool.terminate()
