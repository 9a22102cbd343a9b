"""What Jurnal refused is planned anew once it would be another command; what it has is never touched."""

from datetime import date
from itertools import permutations

import msgspec
import pytest

from eventstore.facts.answers import SHORT_OF_STOCK, Document
from eventstore.facts.operators import CommandReleased, RecordSkipped
from eventstore.facts.settings import BooksClosed, OutletMapped, PaymentMapping, SalesRulesSet, Setting
from projections.jurnal_commands.commands import (
    DECODER,
    BookInvoice,
    Command,
    DepositPayout,
    ReceivePayment,
    TransferStock,
    WithdrawPayoutFee,
)
from projections.jurnal_commands.fold import CommandPlannedAnew, StoredCommand, _replan
from projections.jurnal_commands.identity import payment_command_id
from tests.ledger import STORE
from tests.story import CONNECTION, MAIN, Story, line, own, paid
from tests.unit.projections.transfer_reports import START, decided, receipt, transfer

INVOICE = f"inv-{STORE}.order-1"
PAYMENT = payment_command_id(STORE, "order-1", "t1")
WRONG = msgspec.structs.replace(CONNECTION, payments=(PaymentMapping("cash", "Kas Kecill"),))
RIGHT = msgspec.structs.replace(CONNECTION, payments=(PaymentMapping("cash", "Bank BCA"),))
OTHER_WAREHOUSE = msgspec.structs.replace(MAIN, warehouse="Gudang Utama")
LATER = {"transaction_date": "2026-11-22T18:31:00"}
BOOKED = Document(resource="sales_invoices", jurnal_id=7)
FIRST_OPEN = SalesRulesSet(closed_period="first_open_day")


def anew(story: Story) -> dict[str, tuple[Command, bool]]:
    """Return what was planned anew last of each command, and whether it had been refused."""
    return {row.command_id: (DECODER.decode(row.body), row.was_refused) for row in story.rows(CommandPlannedAnew)}


def account(story: Story) -> str | None:
    """Return where the deposit of the invoice goes as it was planned anew last."""
    command, _ = anew(story)[INVOICE]
    assert isinstance(command, BookInvoice)
    return command.deposit_account


def payout() -> dict[str, object]:
    """Return a completed payout of 100,000 less 1,500 fees."""
    return {
        "reference_id": "PO-1",
        "date": "2026-11-20T18:00:00",
        "status": "Completed",
        "transactions_amount": 100_000,
        "total_fees": 1_500,
        "total_deposit": 98_500,
    }


def wrongly_paid() -> Story:
    """Return a sale whose deposit goes to an account that Jurnal has not."""
    story = Story(connection=WRONG)
    story.order(transactions=[paid("t1", 20_000)])
    return story


def test_a_sale_with_a_wrong_account_goes_once_it_is_mapped_right() -> None:
    """The same identity, the mended body, and no second command."""
    story = wrongly_paid()
    story.refuse(INVOICE, "no account")
    story.set(RIGHT)
    command, was_refused = anew(story)[INVOICE]
    assert isinstance(command, BookInvoice)
    assert (command.deposit_account, was_refused) == ("Bank BCA", True)
    assert len(story.commands) == 1


def test_a_setting_that_changes_nothing_of_it_resends_nothing() -> None:
    """Only a mended body is a reason to go again by itself."""
    story = wrongly_paid()
    story.refuse(INVOICE, "no account")
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk"))
    assert anew(story) == {}


def test_what_was_not_refused_keeps_its_body_whatever_is_mapped() -> None:
    """It may be on its way, or in Jurnal, also after a refusal that was retried."""
    story = wrongly_paid()
    story.set(RIGHT)
    assert anew(story) == {}
    story = wrongly_paid()
    story.refuse(INVOICE, "no account")
    story.accept(INVOICE, BOOKED)
    story.set(RIGHT)
    assert anew(story) == {}


def test_what_a_person_let_go_is_on_its_way_with_the_body_it_has() -> None:
    """A setting that comes after the release finds it under way; its next refusal plans it anew."""
    story = wrongly_paid()
    story.refuse(INVOICE, "no account")
    released = CommandReleased(command_id=INVOICE, actor="owner", reason="made")
    story.tell(own(released, "order-order-1", "release:1"))
    story.set(RIGHT)
    assert account(story) == "Kas Kecill"
    story.refuse(INVOICE, "no account")
    assert account(story) == "Bank BCA"


def test_what_waits_for_stock_is_not_planned_anew() -> None:
    """It goes by itself when goods come in."""
    story = wrongly_paid()
    story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    story.set(RIGHT)
    assert anew(story) == {}


def test_what_a_person_has_seen_to_is_not_planned_anew() -> None:
    """It was booked by hand."""
    story = wrongly_paid()
    story.refuse(INVOICE, "no account")
    story.say(RecordSkipped(record_id="sale-order-1", actor="owner", reason="by hand"), "order-order-1")
    story.set(RIGHT)
    assert anew(story) == {}


def test_a_payment_with_a_wrong_account_goes_alone() -> None:
    """Its invoice is in Jurnal and stays as it is, also if it would be another by now."""
    story = Story(connection=WRONG)
    story.order(transactions=[paid("t1", 20_000, **LATER)])
    story.accept(INVOICE, BOOKED)
    story.refuse(PAYMENT, "no account")
    story.set(OTHER_WAREHOUSE)
    assert anew(story) == {}
    story.set(RIGHT)
    (command, was_refused) = anew(story)[PAYMENT]
    assert isinstance(command, ReceivePayment)
    assert (set(anew(story)), command.account, was_refused) == ({PAYMENT}, "Bank BCA", True)


def test_what_stands_behind_a_refused_sale_is_planned_anew_with_it() -> None:
    """The payment was never sent; it waits for the invoice as before."""
    story = Story(connection=WRONG)
    story.order(transactions=[paid("t1", 20_000, **LATER)])
    story.refuse(INVOICE, "no warehouse")
    story.set(OTHER_WAREHOUSE)
    assert set(anew(story)) == {INVOICE}
    story.refuse(INVOICE, "no contact")
    story.set(RIGHT)
    assert {name: was_refused for name, (_, was_refused) in anew(story).items()} == {INVOICE: True, PAYMENT: False}
    assert next(row.needs for row in story.rows(CommandPlannedAnew) if row.command_id == PAYMENT) == INVOICE


def test_an_order_that_is_mended_in_iseller_is_planned_anew_as_it_is_now() -> None:
    """Its invoice was never booked: there is nothing to update in Jurnal."""
    story = Story()
    story.order(order_details=[line("NOPE", quantity=2)])
    story.refuse(INVOICE, "no product")
    story.order(order_details=[line("LATTE", quantity=2)])
    command, _ = anew(story)[INVOICE]
    assert isinstance(command, BookInvoice)
    assert [each.product_code for each in command.lines] == ["LATTE"]
    assert len(story.commands) == 1


def test_what_finds_the_books_closed_goes_on_the_first_open_day() -> None:
    """That they are closed is told by the first refusal; the rule may stand before or be set afterwards."""
    facts: tuple[Setting | None, ...] = (FIRST_OPEN, BooksClosed(until=date(2026, 11, 25)), None)
    for told in permutations(facts):
        story = Story()
        story.order()
        for setting in told:
            if setting is None:
                story.refuse(INVOICE, "closed", "transaction_date")
            else:
                story.set(setting)
        command, _ = anew(story)[INVOICE]
        assert isinstance(command, BookInvoice)
        assert command.transaction_date == date(2026, 11, 26)


def test_a_transfer_that_finds_the_books_closed_goes_on_the_first_open_day() -> None:
    """As a sale does; a transfer that is planned afterwards is dated there at once."""
    story = Story()
    story.set(FIRST_OPEN)
    story.report("transfer", transfer(START))
    story.refuse(f"trf-{STORE}.a0", "closed", "transaction_date")
    story.set(BooksClosed(until=date(2026, 11, 25)))
    command, _ = anew(story)[f"trf-{STORE}.a0"]
    assert isinstance(command, TransferStock)
    assert command.transaction_date == date(2026, 11, 26)
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 3))))
    assert isinstance(moved := story.commands[-1], TransferStock)
    assert moved.transaction_date == date(2026, 11, 26)


def test_a_transfer_of_a_closed_period_waits_where_it_may_not_move() -> None:
    """The record says what to do, and goes when the rule is set."""
    story = Story()
    story.set(BooksClosed(until=date(2026, 11, 25)))
    story.report("transfer", transfer(START))
    assert story.states == {"transfer-a0": "failed"}
    story.set(FIRST_OPEN)
    assert story.states == {"transfer-a0": "booking"}


def test_a_transfer_into_a_wrong_warehouse_goes_once_it_is_mapped_right() -> None:
    """The receipt that is refused; its start is in Jurnal and stays."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 3))))
    story.accept(f"trf-{STORE}.a0", Document(resource="warehouse_transfers", jurnal_id=1))
    story.refuse(f"trf-{STORE}.a1", "no warehouse")
    story.set(OutletMapped(outlet_id="branch", outlet_name="Branch", warehouse="Gudang Cabang"))
    command, _ = anew(story)[f"trf-{STORE}.a1"]
    assert isinstance(command, TransferStock)
    assert (set(anew(story)), command.to_warehouse) == ({f"trf-{STORE}.a1"}, "Gudang Cabang")
    assert story.in_transit()["LATTE"] == (5, 3, 0, 0, 2)


def test_a_payout_with_a_wrong_account_goes_once_it_is_mapped_right() -> None:
    """Deposit and fee; once the deposit is in Jurnal the fee goes alone."""
    deposit, fee = f"dep-{STORE}.PO-1", f"fee-{STORE}.PO-1"
    story = Story()
    story.report("payout", payout())
    story.refuse(deposit, "no account")
    story.set(msgspec.structs.replace(CONNECTION, payout_account="Bank Mandiri"))
    command, _ = anew(story)[deposit]
    assert isinstance(command, DepositPayout)
    assert (set(anew(story)), command.account) == ({deposit}, "Bank Mandiri")
    story.accept(deposit, Document(resource="bank_deposits", jurnal_id=1))
    story.refuse(fee, "no account")
    story.set(msgspec.structs.replace(CONNECTION, payout_account="Bank Mandiri", mdr_account="Biaya"))
    withdrawal, _ = anew(story)[fee]
    assert isinstance(withdrawal, WithdrawPayoutFee)
    assert (set(anew(story)), withdrawal.fee_account) == ({deposit, fee}, "Biaya")


@pytest.mark.parametrize("state", ["due", "accepted", "parked", "skipped"])
def test_a_body_is_replaced_only_where_the_command_stands_refused(state: str) -> None:
    """Whatever the documents say: what is in Jurnal, on its way or seen to keeps its body."""
    stored = StoredCommand(
        command_id="a", company_id="c", stream_id="s", record_id="r", lane="s", position=1, ordinal=0, kind="k",
        body=b"old", needs=[], state=state,
    )  # fmt: skip
    told = CommandPlannedAnew(command_id="a", body=b"new", needs="", was_refused=True, planned_at=9)
    assert _replan(stored, told) == stored
    unsent = msgspec.structs.replace(told, was_refused=False)
    after = _replan(stored, unsent)
    assert after is not None
    assert (after.body == b"new") == (state in {"due", "parked"})
    assert after.state == state
