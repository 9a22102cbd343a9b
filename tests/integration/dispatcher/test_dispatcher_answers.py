"""What each of Jurnal's answers does to a command, to its lane, and to everybody else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from structlog.testing import capture_logs

from eventstore.facts.operators import CommandReleased
from ops.sandbox.jurnal import FaultPlan
from ops.sandbox.jurnal.errors import Refusal
from ops.sandbox.jurnal.resource import Resource
from projections.jurnal_commands.commands import ENCODER, BookInvoice
from projections.jurnal_commands.identity import invoice_command_id, payment_command_id, transaction_no
from service.jurnal.payloads import PersonNames
from service.people import People
from service.telemetry.metrics import JURNAL_RESOURCES
from tests.integration.dispatcher.stand import Stand, open_stand
from tests.integration.dispatcher.test_dispatcher_fence import BlindDispatcher
from tests.ledger import STORE
from tests.story import line, own, paid, taxed
from tests.unit.sandbox_jurnal.shop import SETTINGS

INVOICES = "/public/jurnal/api/v1/sales_invoices"


@pytest.fixture
async def closed_books(database_url: str) -> AsyncIterator[Stand]:
    """Give a store whose company has closed its books up to 15 November."""
    settings = replace(SETTINGS, last_closing_date=date(2026, 11, 16))
    async with open_stand(database_url, settings=settings) as opened:
        await opened.connect()
        yield opened


async def test_a_conflict_with_our_own_document_is_success(stand: Stand) -> None:
    """A 409 is read and compared: what is there is what was asked for."""
    await stand.order()
    stand.fail(FaultPlan(close_after_commit=True))
    await stand.until_quiet(stand.process(kind=BlindDispatcher))
    assert stand.documents("sales_invoice") == 1
    (answer,) = await stand.told("CommandAccepted")
    assert (answer["found_by"], answer["attempted"]["http_status"]) == ("conflict", 409)
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_a_conflict_with_a_foreign_document_is_refused_and_both_are_shown(stand: Stand) -> None:
    """Somebody else's invoice has our number: a person must look, and sees which document and how it differs."""
    number = transaction_no(invoice_command_id(STORE, "order-1"), "#3101-1001")
    line = {"product_name": "Product MOCHA", "quantity": 1, "rate": 7_000}
    fields = {
        "transaction_date": "2026-11-19", "due_date": "2026-12-19", "person_name": "Walk-in", "transaction_no": number,
    }  # fmt: skip
    await stand.shop.make("sales_invoices", "sales_invoice", **fields, transaction_lines_attributes=[line])
    await stand.order()
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 1
    record = (await stand.records())["sale-order-1"]
    assert record.status == "Failed"
    assert record.reason is not None
    assert f"Jurnal holds {number}, but it differs" in record.reason
    assert "7000" in record.reason
    assert "20000" in record.reason


async def test_an_answer_that_differs_from_what_was_asked_is_refused_with_the_difference_named(stand: Stand) -> None:
    """Jurnal booked it with another tax: the document is there, and the record says what is wrong with it."""
    tax = stand.sandbox.company.taxes.named("PPN")
    assert tax is not None
    tax.rate = Fraction(12)
    await stand.order(order_details=[taxed(quantity=2)], total_order_amount=22_200, total_amount=22_200)
    await stand.until_quiet(stand.process())
    record = (await stand.records())["sale-order-1"]
    assert record.status == "Failed"
    assert record.reason is not None
    assert "original_amount is 22400" in record.reason
    assert stand.sandbox.calls["toko", "POST", INVOICES] == 1


async def test_a_refusal_stops_its_own_lane_and_no_other(closed_books: Stand) -> None:
    """The payment on a refused invoice waits; the next order does not."""
    stand = closed_books
    await stand.order(1, order_date="2026-11-10T02:00:00")
    await stand.order(1, order_date="2026-11-10T02:00:00", transactions=[paid("t1", 20_000)])
    await stand.order(2)
    await stand.until_quiet(stand.process())
    payment = payment_command_id(STORE, "order-1", "t1").replace(f"-{STORE}", "")
    assert await stand.commands() == {"inv.order-1": "refused", "inv.order-2": "accepted", payment: "due"}
    assert await stand.sends() == {"inv.order-1": "done", "inv.order-2": "done", payment: "due"}
    record = (await stand.records())["sale-order-1"]
    assert record.status == "Failed"
    assert record.reason is not None
    assert record.reason.startswith("Jurnal's books are closed on this date: ")
    assert "closing" in record.reason


async def test_a_limit_of_the_minute_is_waited_for(stand: Stand) -> None:
    """A 429 is no failure: the command waits a whole window and goes."""
    await stand.order()
    stand.fail(FaultPlan(status_before_commit=429))
    refused_at = stand.clock.now()
    process = stand.process()
    assert (await stand.step(process)).outcome == "TryLater"
    record = (await stand.records())["sale-order-1"]
    assert (record.status, record.reason) == ("Pending", "Jurnal's limit of calls per minute is reached")
    await stand.until_quiet(process)
    (postponed,) = await stand.told("CommandPostponed")
    assert postponed["attempted"]["http_status"] == 429
    (answer,) = await stand.facts("CommandAccepted")
    assert (answer.observed_at - refused_at).total_seconds() == 60


async def test_a_clock_that_is_off_postpones_everything_and_loses_nothing(stand: Stand) -> None:
    """Jurnal refuses the signature: the commands wait, say why, and go once the clocks agree."""
    process = stand.process()
    await stand.order(1)
    await stand.until_quiet(process)
    stand.time.clock.advance(seconds=400)
    await stand.order(2)
    assert (await stand.step(process)).outcome == "TryLater"
    reason = (await stand.records())["sale-order-2"].reason
    assert reason is not None
    assert "Check this machine's clock" in reason
    stand.time.clock.advance(seconds=-400)
    await stand.until_quiet(process)
    assert set((await stand.statuses()).values()) == {"Success"}
    assert stand.documents("sales_invoice") == 2


async def test_a_command_that_cannot_be_prepared_does_not_stop_its_neighbours(stand: Stand) -> None:
    """A payload that cannot be made waits with its reason; the other orders are booked."""
    for number in (1, 2, 3):
        await stand.order(number)
    body = await stand.migrator.fetchval("SELECT body FROM command WHERE command_id LIKE '%order-1'")
    broken = msgspec.structs.replace(
        msgspec.json.decode(body, type=BookInvoice), deposit_account=None, deposit=Decimal(5)
    )
    await stand.migrator.execute(
        "UPDATE command SET body = $1 WHERE command_id LIKE '%order-1'", ENCODER.encode(broken)
    )
    process = stand.process()
    for _ in range(6):
        await stand.step(process)
    assert await stand.commands() == {"inv.order-1": "due", "inv.order-2": "accepted", "inv.order-3": "accepted"}
    reason = (await stand.records())["sale-order-1"].reason
    assert reason is not None
    assert reason.startswith("It cannot be prepared: AssertionError")


async def test_a_missing_credential_makes_commands_wait_and_say_so(stand: Stand) -> None:
    """Without a secret nothing is sent, nothing is lost, and the step ends like any other."""
    await stand.order()
    await stand.migrator.execute("DELETE FROM credential")
    assert (await stand.step(stand.process())).did == "waited"
    reason = (await stand.records())["sale-order-1"].reason
    assert reason is not None
    assert "run `jurnalsync setup apply`" in reason
    await stand.connect()
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 1


BUYER = {
    "customer_id": "buyer-1", "external_customer_id": "C-1", "customer_first_name": "Sari",
    "customer_last_name": "Contoh", "customer_phone_number": "0812000111",
}  # fmt: skip


async def release(stand: Stand, number: int) -> None:
    """Let an operator release the invoice of the first order, a minute later."""
    identity = invoice_command_id(STORE, "order-1")
    released = CommandReleased(command_id=identity, actor="owner", reason="it was put right")
    await stand.appender.append(STORE, [own(released, f"command-{identity}", f"release:{number}")])
    await stand.advance(60)
    await stand.fold()


async def test_what_is_refused_again_after_its_release_is_failed_again(stand: Stand) -> None:
    """Nothing was put right: the second refusal is a fact of its own, and the record does not stay Pending."""
    await stand.order(order_details=[line("NO-SUCH", quantity=2)])
    for number in (1, 2):
        await stand.until_quiet(stand.process())
        assert await stand.statuses() == {"sale-order-1": "Failed"}
        await release(stand, number)
    await stand.shop.make("products", "product", name="New", product_code="NO-SUCH", unit_name="Pcs")
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_a_person_whose_key_is_broken_stops_nobody_and_is_put_off_ever_longer(stand: Stand) -> None:
    """Whatever is wrong with one command, the others go; its waits double from 5 s up to 10 minutes."""
    await stand.order(1, **BUYER)
    await stand.order(2)
    await stand.migrator.execute(
        "UPDATE person_key SET wrapped_key = set_byte(wrapped_key, 20, get_byte(wrapped_key, 20) # 1)"
    )
    process = stand.process()
    waits = []
    with capture_logs() as logged:
        for _ in range(30):
            done = await stand.step(process)
            if done.wait_until is not None:
                assert done.outcome == "It cannot be prepared: InvalidTag"
                waits.append((done.wait_until - stand.clock.now()).total_seconds())
                await stand.advance(waits[-1])
            if len(waits) == 9:
                break
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert (await stand.commands())["inv.order-2"] == "accepted"
    assert {line["error"] for line in logged if line["event"] == "command_postponed"} == {"InvalidTag"}
    assert "Sari" not in repr(logged)


async def test_a_lost_database_is_no_fault_of_the_command(stand: Stand) -> None:
    """Nothing can be put off without a database: the error goes to whoever repeats the steps."""

    class Unreachable(People):
        async def names(self, store_id: str, position: int) -> PersonNames:
            raise ConnectionResetError(store_id, position)

    await stand.order(1, **BUYER)
    process = stand.process()
    process.dispatcher._inquiry._people = Unreachable(stand.reader, stand.keyring)  # noqa: SLF001 - one part that breaks
    with pytest.raises(ConnectionResetError):
        await process.step()


@pytest.mark.parametrize("status", [409, 422])
async def test_a_key_that_is_taken_by_nothing_we_can_find_is_for_a_person(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Jurnal would say so for ever: after the fence it is refused, and sent again only when a person releases it."""
    await stand.order()

    def taken(*_keys: object, **_more: object) -> None:
        raise Refusal(status, {"error": ["has already been taken"]})

    monkeypatch.setattr(Resource, "check_keys", taken)
    await stand.until_quiet(stand.process())
    assert stand.sandbox.calls["toko", "POST", INVOICES] == 1
    record = (await stand.records())["sale-order-1"]
    assert record.status == "Failed"
    assert record.reason is not None
    assert record.reason.startswith("Jurnal says that this number or key is taken, but holds no document under ours: ")
    assert await stand.told("CommandConfirmedAbsent") == []
    monkeypatch.undo()
    await release(stand, 1)
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == {"sale-order-1": "Success"}
    assert stand.documents("sales_invoice") == 1


async def test_what_is_sent_of_a_customer_leaves_no_digest(stand: Stand) -> None:
    """Names and numbers are few enough to be guessed by their digest, also after they were erased."""
    await stand.order(1, **BUYER)
    stand.fail(FaultPlan(close_after_commit=True), path="/customers")
    await stand.until_quiet(stand.process())
    answers = [*await stand.told("CommandUnanswered"), *await stand.told("CommandAccepted")]
    digests = {
        (answer["attempted"]["command_id"][:3], bool(answer["attempted"][key]))
        for answer in answers
        for key in ("request_digest", "response_digest")
    }
    assert digests == {("cus", False), ("inv", True)}
    kept = await stand.migrator.fetch("SELECT left(command_id, 3), request_digest <> '' FROM send")
    assert {tuple(row) for row in kept} == {("cus", False), ("inv", True)}


async def test_each_step_of_a_commands_life_is_logged_without_a_personal_value(stand: Stand) -> None:
    """Store, command, kind and attempt; nothing of what was sent."""
    await stand.order(1, **BUYER)
    stand.fail(FaultPlan(status_before_commit=502), path="/customers")
    with capture_logs() as logged:
        await stand.until_quiet(stand.process())
    told = [(line["event"], line["kind"], line["attempt"]) for line in logged]
    assert told == [
        ("command_unanswered", "CreateCustomer", 1),
        ("command_confirmed_absent", "CreateCustomer", 1),
        ("command_accepted", "CreateCustomer", 2),
        ("command_accepted", "BookInvoice", 1),
    ]
    assert {line["store"] for line in logged} == {STORE}
    assert "Sari" not in repr(logged)


async def test_every_call_to_jurnal_is_told_with_its_resource_and_answer(stand: Stand) -> None:
    """Reads and sends, whatever came back; ids and queries are no part of a resource."""
    told: list[tuple[str, str]] = []
    calls = stand.calls(on_call=lambda resource, answer, seconds: told.append((resource, answer if seconds else "")))
    process = stand.process(calls=calls)
    await stand.order()
    for plan in (
        FaultPlan(status_before_commit=429), FaultPlan(close_after_commit=True),
    ):  # fmt: skip
        stand.fail(plan)
        await stand.step(process)
        await stand.advance(60)
    await stand.until_quiet(process)
    assert [one for one in told if one[0] == "sales_invoices"] == [
        ("sales_invoices", "429"),
        ("sales_invoices", "none"),
        ("sales_invoices", "2xx"),
    ]
    assert {resource for resource, _ in told} == {"sales_invoices", "select2_resources", "warehouses"}
    assert {resource for resource, _ in told} <= set(JURNAL_RESOURCES)
