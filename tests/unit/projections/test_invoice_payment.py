"""Open, Partial, Paid exactly as in Jurnal: by its answers alone, for every invoice of an order."""

from decimal import Decimal

import msgspec
import pytest

from eventstore.event import Fact
from eventstore.facts.answers import Attempted, CommandAccepted, Document
from eventstore.facts.settings import SalesRulesSet, SalesSync, SyncWindowOpened
from projections.changes.asked import Asked
from projections.changes.orders import OrderState
from projections.invoice_payment.fold import InvoicePayment, InvoiceRow
from projections.jurnal_commands.commands import DECODER, BookInvoice, ReceivePayment, ReturnSale
from projections.jurnal_commands.fold import CommandAdded
from projections.jurnal_commands.identity import payment_command_id
from tests.ledger import NOON, STORE
from tests.story import Story, full_order, own, paid, taxed
from tests.unit.projections.taken_back import booked_invoice

INVOICE = f"inv-{STORE}.order-1"
LATER = {"transaction_date": "2026-11-22T01:00:00"}
Amounts = tuple[str, int, int, int]


def document(resource: str, amount: int | None, remaining: int | None = None) -> Document:
    """Return a document as the ledger keeps it."""
    fields = {"resource": resource, "jurnal_id": 7, "amount": amount, "remaining": remaining}
    return msgspec.convert(fields, Document)


def sold(*transactions: dict[str, object]) -> Story:
    """Return a shop with one sale of Rp 20,000."""
    story = Story()
    story.order(transactions=list(transactions))
    return story


def amounts(row: InvoiceRow) -> Amounts:
    """Return status, total, paid and returned."""
    return row.status, int(row.total), int(row.paid), int(row.returned)


def test_an_invoice_is_not_booked_until_jurnal_says_so() -> None:
    """Money that iSeller reports counts as received and pays nothing."""
    story = sold(paid("t1", 20_000))
    assert amounts(story.invoice()) == ("NotBooked", 20_000, 0, 0)
    assert story.invoice().received == 20_000


def test_an_invoice_tells_what_was_rounded_beyond_isellers_own_rounding() -> None:
    """Two lattes of 10,010 at 11 % are 22,222.2; iSeller says 22,222, and rounds by nothing itself."""
    story = Story()
    story.order(order_details=[taxed(quantity=2, price=10_010)], total_amount=22_222, total_order_amount=20_020)
    assert story.invoice().rounded == Decimal("-0.2")


@pytest.mark.parametrize(
    ("remaining", "status"), [(20_000, "Open"), (15_000, "Partial"), (0, "Paid")], ids=["open", "partial", "paid"]
)
def test_an_invoice_has_the_status_that_jurnal_has(remaining: int, status: str) -> None:
    """By what Jurnal says remains, whatever iSeller says was received."""
    story = sold(paid("t1", 20_000))
    story.accept(INVOICE, document("sales_invoices", 20_000, remaining))
    assert amounts(story.invoice()) == (status, 20_000, 20_000 - remaining, 0)
    assert story.invoice().jurnal_id == 7


def test_a_payment_makes_it_partial_and_the_last_one_paid() -> None:
    """Each counts once, however often its answer is told."""
    story = sold(paid("t1", 5_000, **LATER), paid("t2", 15_000, **LATER))
    story.accept(INVOICE, document("sales_invoices", 20_000, 20_000))
    seen = []
    for transaction, amount in (("t1", 5_000), ("t1", 5_000), ("t2", 15_000)):
        story.accept(payment_command_id(STORE, "order-1", transaction), document("receive_payments", amount))
        seen.append(amounts(story.invoice()))
    assert seen == [
        ("Partial", 20_000, 5_000, 0),
        ("Partial", 20_000, 5_000, 0),
        ("Paid", 20_000, 20_000, 0),
    ]


Answered = tuple[str, int | None, int | None]


def order_with(*kinds: str, invoice: str = INVOICE) -> OrderState:
    """Return an order that asked for its invoice of Rp 20,000, and then for one command of each kind."""
    day = NOON.date()
    booking = booked_invoice(command_id=INVOICE, booked_on=day, due_on=day, total=Decimal(20_000))
    asked = [Asked(f"c{number}", "record", kind, invoice) for number, kind in enumerate(kinds)]
    return OrderState(
        order_id="order-1", bookings=(booking,), asked=(Asked(INVOICE, "sale-order-1", "BookInvoice", INVOICE), *asked)
    )


def answered(order: OrderState, *answers: tuple[str, Document]) -> list[dict[str, Amounts]]:
    """Return the order's invoices by number after each answer to one of its commands, each folded twice."""
    states: dict[str, msgspec.Struct] = {order.stream_id: order}
    seen = []
    for position, (command_id, told) in enumerate(answers, start=1):
        answer = CommandAccepted(attempted=Attempted(command_id=command_id, attempt=1), document=told)
        new = own(answer, order.stream_id, f"answer:{position}")
        stored = {name: getattr(new, name) for name in new.__struct_fields__ if name != "expected_version"}
        fact = Fact(store_id=STORE, position=position, stream_version=1, recorded_at=NOON, hash=bytes(32), **stored)
        for _ in range(2):
            evolved = InvoicePayment().evolve(states, fact, answer)
            states |= evolved.states
        rows = [row for row in evolved.rows if isinstance(row, InvoiceRow)]
        seen.append({row.transaction_no: amounts(row) for row in rows})
    return seen


def after(order: OrderState, *answers: Answered) -> list[Amounts]:
    """Return the order's only invoice after each answer to its commands, in their order."""
    told = [(asked.command_id, document(*answer)) for asked, answer in zip(order.asked, answers, strict=True)]
    return [invoices["INV-1"] for invoices in answered(order, *told)]


OPEN = ("sales_invoices", 20_000, 20_000)


def test_a_return_lowers_what_is_owed_and_no_more() -> None:
    """An open invoice becomes Partial; a return worth more than is owed makes it Paid, the rest is a credit."""
    order = order_with("ReturnSale", "ReceivePayment", "ReturnSale")
    returned = after(
        order, OPEN, ("sales_returns", 4_000, None), ("receive_payments", 5_000, None), ("sales_returns", 16_000, None)
    )
    assert returned == [
        ("Open", 20_000, 0, 0),
        ("Partial", 20_000, 0, 4_000),
        ("Partial", 20_000, 5_000, 4_000),
        ("Paid", 20_000, 5_000, 15_000),
    ]


def test_a_credit_that_is_used_pays() -> None:
    """Applied to the invoice it counts like money."""
    paid_by = after(order_with("ApplyCredit"), OPEN, ("customer_apply_credit_memo", 20_000, None))
    assert paid_by[-1] == ("Paid", 20_000, 20_000, 0)


def test_a_changed_invoice_owes_what_jurnal_says() -> None:
    """A total that grew makes a paid one Partial again."""
    changed = after(order_with("UpdateInvoice"), ("sales_invoices", 20_000, 0), ("sales_invoices", 25_000, 5_000))
    assert changed == [("Paid", 20_000, 20_000, 0), ("Partial", 25_000, 20_000, 0)]


def test_a_deleted_invoice_says_so() -> None:
    """It stands in no list and no count any more, but its row tells what became of it."""
    assert after(order_with("DeleteInvoice"), OPEN, ("sales_invoices", None, None))[-1][0] == "Deleted"


def test_answers_that_are_about_no_invoice_change_none() -> None:
    """A journal or a stock adjustment of the order pays nothing."""
    order = order_with("PostJournal", "AdjustStock", invoice="")
    told = after(order, OPEN, ("journal_entries", 20_000, None), ("stock_adjustments", None, None))
    assert told == [("Open", 20_000, 0, 0)] * 3


def test_each_invoice_of_an_order_is_followed_by_itself() -> None:
    """Booked anew, an order has two: what is answered of one says nothing of the other."""
    order = order_with("ReturnSale", "BookInvoice")
    second = msgspec.structs.replace(order.bookings[0], revision=2, command_id="c1", invoice_no="INV-2")
    asked = (*order.asked[:2], Asked("c1", "change-order-1-1", "BookInvoice", "c1"))
    order = msgspec.structs.replace(order, bookings=(*order.bookings, second), asked=asked)
    told = answered(
        order,
        (INVOICE, document("sales_invoices", 20_000, 20_000)),
        ("c0", document("sales_returns", 20_000)),
        ("c1", document("sales_invoices", 20_000, 12_000)),
    )
    assert told[-1] == {"INV-1": ("Paid", 20_000, 0, 20_000), "INV-2": ("Partial", 20_000, 8_000, 0)}


def test_a_sale_that_is_voided_and_booked_anew_has_two_invoices() -> None:
    """The return of a paid invoice is a credit and changes nothing of it; the second is paid by itself."""
    story = sold(paid("t1", 20_000))
    story.order(status="void", cancel_date="2026-11-22T06:00:00", transactions=[paid("t1", 20_000)])
    story.report("order", full_order(transactions=[paid("t1", 20_000)]), channel="poll")
    seen = []
    for row in sorted(story.rows(CommandAdded), key=lambda row: (row.position, row.ordinal)):
        command = DECODER.decode(row.body)
        match command:
            case BookInvoice():
                owed = int(command.total - command.deposit)
                story.accept(row.command_id, document("sales_invoices", int(command.total), owed))
            case ReturnSale():
                story.accept(row.command_id, document("sales_returns", int(command.amount)))
            case ReceivePayment():
                story.accept(row.command_id, document("receive_payments", int(command.amount)))
            case _:
                story.accept(row.command_id, document("customer_credit_memo_refund", 20_000))
        seen.append(sorted(amounts(each) for each in story.rows(InvoiceRow)))
    first, planned, still_owed = ("Paid", 20_000, 20_000, 0), ("NotBooked", 20_000, 0, 0), ("Open", 20_000, 0, 0)
    assert seen == [*[[planned, first]] * 3, [still_owed, first], [first, first]]


def test_a_sale_that_a_window_let_go_is_followed_like_any_other() -> None:
    """It is planned by a fact of another stream; its answers stand in its own."""
    story = Story()
    story.set(SalesRulesSet(sync=SalesSync("scheduled", ("18:00",))))
    for number in (1, 2):
        story.order(order_id=f"order-{number}", transactions=[paid(f"t{number}", 20_000, **LATER)])
    assert story.rows(InvoiceRow) == []
    story.sync(SyncWindowOpened(scope="sales", until=NOON.replace(month=12)))
    assert [amounts(row) for row in story.rows(InvoiceRow)] == [("NotBooked", 20_000, 0, 0)] * 2
    story.accept(INVOICE, document("sales_invoices", 20_000, 20_000))
    story.accept(payment_command_id(STORE, "order-1", "t1"), document("receive_payments", 20_000))
    assert {row.order_id: row.status for row in story.rows(InvoiceRow)} == {"order-1": "Paid", "order-2": "NotBooked"}
    (row, _) = story.rows(InvoiceRow)
    assert row.received == Decimal(20_000)
