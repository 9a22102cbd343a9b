"""Credits have no key: what was lost is told by marks and by what is left, and what cannot be told is for a person."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from eventstore.facts.operators import CommandReleased
from eventstore.facts.reconciliation import DocumentResendRequested
from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.commands import (
    Command,
    ReturnLine,
)
from projections.jurnal_commands.identity import command_id, transaction_no
from service.jurnal import probes
from service.jurnal.pace import Limit
from service.quota import QuotaBudget
from tests.integration.dispatcher.asking import (
    APPLY,
    CREDIT,
    DELETE,
    LANE,
    OTHER,
    REFUND,
    RETURN,
    SALE,
    SALE_ID,
    UPDATE,
    Asked,
    booked,
    latte,
    posts,
    sale,
)
from tests.integration.dispatcher.stand import Stand
from tests.ledger import STORE
from tests.story import own

LOST = FaultPlan(close_after_commit=True)
NEVER_ARRIVED = FaultPlan(status_before_commit=502)


@pytest.fixture
def asked(stand: Stand) -> Asked:
    """Give a live store of which anything may be asked."""
    return Asked(stand)


async def use_credit_by_hand(stand: Stand, amount: int) -> None:
    """Let a person pay a part of the only credit memo out."""
    (memo,) = stand.sandbox.company.credit_memos
    line = {"credit_memo_id": memo.id, "refund_amount": amount}
    await stand.shop.make(
        "customer_credit_memo_refund", "customer_credit_memo_refund", person_id=memo.person.id,
        transaction_date="2026-11-20", refund_from_name="Bank BCA", credit_memo_refund_lines_attributes=[line],
    )  # fmt: skip


async def release(asked: Asked, command: Command) -> None:
    """Let an operator say that a command may go."""
    identity = command_id(STORE, command)
    released = CommandReleased(command_id=identity, actor="owner", reason="I looked: it is not there")
    await asked.stand.appender.append(STORE, [own(released, f"command-{identity}", "release")])
    await asked.stand.advance(60)
    await asked.stand.fold()


async def ask_again(asked: Asked, command: Command) -> None:
    """Let a person ask to send again what Jurnal accepted: of what is accepted and due, the ledger tells why."""
    identity = command_id(STORE, command)
    resend = DocumentResendRequested(difference_id="d1", command_id=identity, actor="owner", reason="it is gone")
    await asked.stand.appender.append(STORE, [own(resend, LANE, f"resend:{identity}")])
    await asked.stand.fold()


@pytest.mark.parametrize("plan", [LOST, NEVER_ARRIVED])
async def test_two_refunds_of_one_credit_memo_are_told_apart(asked: Asked, plan: FaultPlan) -> None:
    """Of the same amount, the second one lost: the first is not taken for it, and both are paid once."""
    stand = asked.stand
    first, second = (msgspec.structs.replace(REFUND, refund_id=name, amount=Decimal(5_000)) for name in ("f1", "f2"))
    process = await booked(asked, SALE, RETURN, first)
    await asked.ask(second)
    stand.fail(plan, path="customer_credit_memo_refund")
    await stand.until_quiet(process)
    ids = {(await asked.answer_to(refund))["document"]["jurnal_id"] for refund in (first, second)}  # type: ignore[index]
    assert len(ids) == 2
    assert stand.documents("customer_credit_memo_refund") == 2
    assert stand.sandbox.exact_balances()["Bank BCA"] == Fraction(20_000)


@pytest.mark.parametrize("plan", [LOST, NEVER_ARRIVED])
async def test_an_application_whose_traces_are_unclear_is_refused_with_the_figures(
    asked: Asked, plan: FaultPlan
) -> None:
    """Somebody used the credit meanwhile: whether ours is there cannot be told, and it is not sent again."""
    stand = asked.stand
    process = await booked(asked, SALE, RETURN, OTHER)
    await asked.ask(APPLY)
    stand.fail(plan, path="customer_apply_credit_memo")
    await stand.step(process)
    await use_credit_by_hand(stand, 1_000)
    await stand.until_quiet(process)
    state, reason = await asked.state_of(APPLY)
    left, owed = ("1,000", "0") if plan is LOST else ("9,000", "8,000")
    assert state == "refused"
    assert f"it has Rp {left} left and the invoice owes Rp {owed}, they had Rp 10,000 and owed Rp 8,000" in reason
    assert "Whether Rp 8,000 of credit memo" in reason
    assert posts(stand, "customer_apply_credit_memo") == 1


async def test_a_credit_that_somebody_used_for_the_same_amount_is_not_taken_for_our_application(asked: Asked) -> None:
    """It fell by exactly ours, but the invoice owes what it owed."""
    stand = asked.stand
    process = await booked(asked, SALE, RETURN, OTHER)
    await asked.ask(APPLY)
    stand.fail(NEVER_ARRIVED, path="customer_apply_credit_memo")
    await stand.step(process)
    await use_credit_by_hand(stand, 8_000)
    await stand.until_quiet(process)
    state, reason = await asked.state_of(APPLY)
    assert state == "refused"
    assert "it has Rp 2,000 left and the invoice owes Rp 8,000" in reason


@pytest.mark.parametrize(("amount", "state"), [(6_000, "refused"), (1_000, "accepted")])
async def test_a_credit_that_somebody_used_may_stand_in_a_refunds_way(asked: Asked, amount: int, state: str) -> None:
    """No refund has our mark: too little is gone for ours, or as much as ours would be, which a person must look at."""
    stand = asked.stand
    process = await booked(asked, SALE, RETURN)
    await asked.ask(msgspec.structs.replace(REFUND, amount=Decimal(4_000)))
    stand.fail(NEVER_ARRIVED, path="customer_credit_memo_refund")
    await stand.step(process)
    await use_credit_by_hand(stand, amount)
    await stand.until_quiet(process)
    found, reason = await asked.state_of(REFUND)
    assert found == state
    if state == "refused":
        assert "had Rp 10,000 left before Rp 4,000 were to be paid out of it, and has Rp 4,000 now" in reason
    assert stand.sandbox.documents()["customer_credit_memo_refund"] == (1 if state == "refused" else 2)


async def test_an_unclear_application_goes_when_a_person_answers_for_it(asked: Asked) -> None:
    """Released: the person looked, it is not there; it is sent once more and never again by itself."""
    stand = asked.stand
    process = await booked(asked, SALE, RETURN, OTHER)
    await asked.ask(APPLY)
    stand.fail(NEVER_ARRIVED, path="customer_apply_credit_memo")
    await stand.step(process)
    await use_credit_by_hand(stand, 1_000)
    await stand.until_quiet(process)
    await release(asked, APPLY)
    await stand.until_quiet(process)
    assert await asked.state_of(APPLY) == ("accepted", "")
    assert stand.documents("customer_apply_credit_memo") == 1


async def lose_all_sends(stand: Stand) -> None:
    """Lose the rows; they are looked for once a minute."""
    await stand.migrator.execute("DELETE FROM send")
    await stand.advance(60)


async def test_without_its_row_an_application_is_for_a_person_and_a_refund_is_found(asked: Asked) -> None:
    """What was left before is not known any more; a refund's mark still is in Jurnal."""
    stand = asked.stand
    refund = msgspec.structs.replace(REFUND, amount=Decimal(2_000))
    process = await booked(asked, SALE, RETURN, OTHER, refund, APPLY)
    await lose_all_sends(stand)
    await ask_again(asked, refund)
    await stand.until_quiet(process)
    assert await asked.state_of(refund) == ("accepted", "")
    await ask_again(asked, APPLY)
    await stand.advance(60)
    await stand.until_quiet(process)
    state, reason = await asked.state_of(APPLY)
    assert state == "refused"
    assert "what they had and owed before is not known" in reason
    assert (posts(stand, "customer_credit_memo_refund"), posts(stand, "customer_apply_credit_memo")) == (1, 1)


async def test_a_refund_that_lost_its_row_behind_more_refunds_than_are_read_is_for_a_person(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left before is not known, and not all was looked through: it is paid again on a person's word only."""
    monkeypatch.setattr(probes, "_REFUNDS_READ_MAX", 2)
    stand = asked.stand
    refund = msgspec.structs.replace(REFUND, amount=Decimal(2_000))
    process = await booked(asked, SALE, RETURN, refund)
    for _ in range(2):
        await use_credit_by_hand(stand, 1_000)
    await lose_all_sends(stand)
    await ask_again(asked, refund)
    await stand.until_quiet(process)
    state, reason = await asked.state_of(refund)
    assert state == "refused"
    assert "None of the newest 2 refunds in Jurnal has our mark" in reason
    assert stand.documents("customer_credit_memo_refund") == 3
    await release(asked, refund)
    await stand.until_quiet(process)
    assert await asked.state_of(refund) == ("accepted", "")
    assert stand.documents("customer_credit_memo_refund") == 4


async def test_more_than_is_left_of_a_credit_is_refused_before_it_is_sent(asked: Asked) -> None:
    """Somebody paid a part out: the figures, and what to do."""
    stand = asked.stand
    process = await booked(asked, SALE, RETURN)
    await use_credit_by_hand(stand, 7_000)
    await asked.ask(REFUND)
    await stand.until_quiet(process)
    state, reason = await asked.state_of(REFUND)
    assert state == "refused"
    assert "has Rp 3,000 of Rp 10,000 left, less than the Rp 6,000 to be used" in reason
    assert posts(stand, "customer_credit_memo_refund") == 1


async def test_a_return_takes_from_the_lines_that_have_enough_left(asked: Asked) -> None:
    """Of lines of one product and price Jurnal's own choice is not ours: what came back before is counted."""
    stand = asked.stand
    invoice = sale("o1", latte(2), latte(1), latte(1, 9_000), deposit=39_000)
    process = await booked(asked, invoice)
    for number, quantity in enumerate((2, 1)):
        line = ReturnLine(product_code="LATTE", quantity=Decimal(quantity), rate=Decimal(10_000))
        amount = Decimal(10_000 * quantity)
        await asked.ask(msgspec.structs.replace(RETURN, return_id=f"r{number}", lines=(line,), amount=amount))
    await stand.until_quiet(process)
    (booked_invoice,) = stand.sandbox.company.sales_invoices
    left = [booked_invoice.quantity_left(line) for line in booked_invoice.terms.lines]
    assert left == [0, 0, 1]


async def test_a_return_of_more_than_one_line_has_is_taken_from_several(asked: Asked) -> None:
    """Three of two lines of two."""
    process = await booked(asked, sale("o1", latte(2), latte(2), deposit=40_000))
    line = ReturnLine(product_code="LATTE", quantity=Decimal(3), rate=Decimal(10_000))
    await asked.ask(msgspec.structs.replace(RETURN, lines=(line,), amount=Decimal(30_000)))
    await asked.stand.until_quiet(process)
    (invoice,) = asked.stand.sandbox.company.sales_invoices
    assert [invoice.quantity_left(line) for line in invoice.terms.lines] == [0, 1]


async def test_a_return_without_its_line_is_refused_before_it_is_sent(asked: Asked) -> None:
    """Somebody changed the invoice: the line is named, and nothing is sent."""
    process = await booked(asked, SALE, UPDATE)
    line = ReturnLine(product_code="LATTE", quantity=Decimal(3), rate=Decimal(10_000))
    await asked.ask(msgspec.structs.replace(RETURN, lines=(line,), amount=Decimal(30_000)))
    await asked.stand.until_quiet(process)
    state, reason = await asked.state_of(RETURN)
    assert state == "refused"
    assert "has no line of LATTE at Rp 10,000 with 3 left to return" in reason
    assert posts(asked.stand, "sales_returns") == 0


async def test_a_return_that_lost_its_memo_and_its_answer_is_not_made_twice(asked: Asked) -> None:
    """Jurnal dropped the mark without a word: a return of the same worth, made just then, is for a person."""
    stand = asked.stand
    process = await booked(asked, SALE)
    await asked.ask(RETURN)
    stand.fail(FaultPlan(fields_dropped=frozenset({"memo"}), close_after_commit=True), path="sales_returns")
    await stand.until_quiet(process)
    state, reason = await asked.state_of(RETURN)
    assert state == "refused"
    assert "of the same Rp 10,000, made at about that time without our memo" in reason
    assert stand.documents("sales_return") == 1


@pytest.mark.parametrize("wakes_after_seconds", [5, 250, 310])
@pytest.mark.parametrize(("command", "path"), [(UPDATE, "sales_invoices"), (RETURN, "sales_returns")])
async def test_a_change_or_return_that_wakes_up_late_stands_once(
    asked: Asked, command: Command, path: str, wakes_after_seconds: int
) -> None:
    """Found if it was still accepted, dead otherwise; the next one in the lane waits until that is known."""
    stand = asked.stand
    process = await booked(asked, SALE)
    await asked.ask(command)
    stand.hold_next = path
    began_at = stand.clock.now()
    await stand.until_quiet(process, seconds_max=wakes_after_seconds)
    await stand.advance(wakes_after_seconds - (stand.clock.now() - began_at).total_seconds())
    assert await stand.deliver_held() == (401 if wakes_after_seconds > 300 else 201 if command is RETURN else 200)
    await stand.until_quiet(process)
    assert await asked.state_of(command) == ("accepted", "")
    assert stand.documents("sales_return") == (1 if command is RETURN else 0)


async def test_a_late_change_never_undoes_the_next_one(asked: Asked) -> None:
    """The second change is not sent before the first one's Date is dead."""
    stand = asked.stand
    process = await booked(asked, SALE)
    second = msgspec.structs.replace(UPDATE, change=2, content=sale("o1", latte(1), deposit=10_000))
    await asked.ask(UPDATE, second)
    stand.hold_next = "sales_invoices"
    await stand.until_quiet(process)
    assert await stand.deliver_held() == 401
    assert await asked.state_of(second) == ("accepted", "")
    assert stand.sandbox.exact_balances()["Service Revenue"] == Fraction(-10_000)


async def test_a_delete_of_what_somebody_deleted_is_done(asked: Asked) -> None:
    """Jurnal refuses to delete what is not there; that is what was wanted."""
    stand = asked.stand
    process = await booked(asked, SALE)
    stand.sandbox.by_hand.delete("sales_invoices", SALE_ID)
    await asked.ask(DELETE)
    await stand.until_quiet(process)
    assert await asked.state_of(DELETE) == ("accepted", "")
    document = (await asked.answer_to(DELETE))["document"]
    assert document["status"] == "Deleted"  # type: ignore[index]  # a JSON object


async def test_a_delete_that_a_return_stands_in_the_way_of_is_for_a_person(asked: Asked) -> None:
    """The invoice stays, and the reason says what hangs on it."""
    stand = asked.stand
    process = await booked(asked, SALE, RETURN)
    await asked.ask(DELETE)
    await stand.until_quiet(process)
    state, reason = await asked.state_of(DELETE)
    assert state == "refused"
    assert reason.startswith("Jurnal does not let go of this invoice: payments, returns or a reconciliation hang on it")
    assert stand.documents("sales_invoice") == 1


async def test_look_ups_of_several_calls_come_to_an_end_with_one_call_a_minute(asked: Asked) -> None:
    """Begun anew each time, they would take every free place and never get to the send."""
    stand = asked.stand
    await booked(asked, SALE, RETURN, OTHER)
    one = (Limit(1, 60),)
    quota = QuotaBudget(stand.pool, egress_address="slow", company_limits=one, address_limits=one)
    slow = stand.process(calls=stand.calls(quota=quota))
    await asked.ask(APPLY)
    stand.fail(LOST, path="customer_apply_credit_memo")
    await stand.until_quiet(slow)
    assert await asked.state_of(APPLY) == ("accepted", "")
    assert stand.documents("customer_apply_credit_memo") == 1


async def test_a_credit_memo_is_found_by_its_number(asked: Asked) -> None:
    """Whether its custom_id finds it is documented nowhere."""
    stand = asked.stand
    await asked.ask(CREDIT)
    stand.fail(LOST, path="credit_memos")
    await stand.until_quiet(stand.process())
    document = (await asked.answer_to(CREDIT))["document"]
    assert document["transaction_no"] == transaction_no(command_id(STORE, CREDIT), "#o1")  # type: ignore[index]
    assert stand.lookups("get_transaction") == 1
