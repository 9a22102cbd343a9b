"""What iSeller tells in each of the edge cases, as stories, and in one line what Jurnal is asked for."""

from datetime import date
from typing import Any

import msgspec

from eventstore.facts.answers import LACKS_PRODUCT
from eventstore.facts.operators import CommandReleased, RecordRetried
from eventstore.facts.settings import BooksClosed, PaymentMapping, SalesRulesSet, SalesSync
from projections.jurnal_commands.commands import AdjustStock, BookInvoice, Command, CreateCustomer, TransferStock
from projections.jurnal_commands.fold import CommandFreed, CommandPlannedAnew
from tests.ledger import STORE
from tests.story import CONNECTION, MAIN, Story, full_order, line, own, paid, taxed
from tests.unit.projections.shop_settings import told
from tests.unit.projections.taken_back import CASH, LATTES, RULES, given_back, in_words, polled, refund, sold, voided
from tests.unit.projections.test_payouts import payout
from tests.unit.projections.test_products_planned_anew import TEA, imported, made
from tests.unit.projections.transfer_reports import START, act, decided, home, receipt, sent, transfer


def words(command: Command) -> str:
    """Return a command as one line, moves of stock and customers too."""
    match command:
        case TransferStock():
            lines = ", ".join(f"{part.quantity} {part.product_code}" for part in command.lines)
            return f"move {lines}: {command.from_warehouse} to {command.to_warehouse}"
        case AdjustStock():
            lines = ", ".join(f"{part.quantity} {part.product_code}" for part in command.lines)
            return f"stock of {command.warehouse}: {lines} against {command.account}"
        case CreateCustomer():
            return f"customer {command.code}"
        case BookInvoice():
            lines = ", ".join(f"{each.quantity} {each.product_code} at {each.rate}" for each in command.lines)
            return f"{in_words(command)} ({lines})"
        case _:
            return in_words(command)


def received_in_parts() -> Story:
    """Three of five, then one of the two that were left."""
    story = Story()
    start = act("a0", "Start", 20, sent("LATTE", 5))
    story.report("transfer", transfer(start, receipt("a1", decided("LATTE", 3))))
    story.report("transfer", transfer(start, receipt("a1", decided("LATTE", 3)), receipt("a2", decided("LATTE", 1))))
    assert story.in_transit()["LATTE"] == (5, 4, 0, 0, 1)
    return story


def received_first() -> Story:
    """Tell the receipt alone, then with its start."""
    story = Story()
    story.report("transfer", transfer(receipt("a1", decided("LATTE", 5), decided("MOCHA", 2))))
    assert story.commands == []
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 5), decided("MOCHA", 2))))
    return story


def rejected_and_cancelled() -> Story:
    """Of five two are accepted, two go back and one is thrown away."""
    story = Story()
    start = act("a0", "Start", 20, sent("LATTE", 5))
    story.report("transfer", transfer(start, receipt("a1", decided("LATTE", 2, cancelled=2, rejected=1))))
    return story


def returned_by_itself() -> Story:
    """Tell cancelled goods, and the transfer of its own that iSeller makes for them."""
    story = Story()
    start = act("a0", "Start", 20, sent("LATTE", 5))
    story.report("transfer", transfer(start, receipt("a1", decided("LATTE", 3, cancelled=2))))
    story.report("transfer", home(act("b0", "Start", 21, sent("LATTE", 2))))
    return story


def refunded_after() -> Story:
    """One of two lattes, in cash."""
    story = sold()
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()])
    return story


def refunded_before() -> Story:
    """Tell both while the sale waits for its shift to close."""
    story = Story()
    told(story, msgspec.structs.replace(RULES, sync=SalesSync(mode="shift_closing")))
    fields: dict[str, Any] = {"order_details": LATTES, "register_id": "r1", "closed_date": "2026-11-20T18:30:00"}
    story.order(transactions=[CASH], **fields)
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()], **fields)
    assert story.commands == []
    story.shift_closed("r1", "2026-11-21T10:00:00")
    return story


def exchanged() -> Story:
    """One latte for a mocha: a return, and an order of its own."""
    story = refunded_after()
    mocha = full_order(order_details=[line("MOCHA", 1, 12_000)], total_amount=12_000, total_order_amount=12_000)
    story.report("order", {**mocha, "order_id": "order-2", "transactions": [paid("t9", 12_000)]})
    return story


def void_undone() -> Story:
    """All goes back; completed again it is a new invoice, paid again."""
    story = sold()
    voided(story)
    polled(story)
    return story


def edited() -> Story:
    """Three lattes instead of two, on the same invoice."""
    story = sold()
    three = [line("LATTE", 3, 10_000, order_detail_id="d1", product_id="p1")]
    polled(story, order_details=three, total_amount=30_000, total_order_amount=30_000)
    return story


def unknown_product() -> Story:
    """Refused for it; once it is made the invoice goes again, as it was."""
    story = Story()
    story.order(order_details=[line("TEA", 2, 10_000)])
    story.refuse(f"inv-{STORE}.order-1", "Jurnal has no product TEA", f"{LACKS_PRODUCT}TEA")
    imported(story, msgspec.structs.replace(TEA, stock=()))
    assert not story.rows(CommandPlannedAnew)
    made(story)
    assert [row.command_id for row in story.rows(CommandPlannedAnew)] == [f"inv-{STORE}.order-1"]
    return story


def unmapped_method() -> Story:
    """Of two ways to pay one is mapped: the invoice goes, the other payment waits and then goes."""
    story = Story()
    told(story, RULES)
    voucher = paid("t2", 8_000, gateway="voucher")
    story.order(order_details=LATTES, transactions=[paid("t1", 12_000), voucher])
    assert story.states["payment-order-1-t2"] == "failed"
    mapped = (*CONNECTION.payments, PaymentMapping("voucher", "Bank BCA"))
    story.set(msgspec.structs.replace(CONNECTION, payments=mapped))
    return story


def unmapped_place() -> Story:
    """Tell a sale of an outlet that is mapped then, and one of a channel that is not."""
    story = Story()
    story.order(outlet_id="kiosk", outlet_name="Kiosk", order_details=LATTES)
    story.order(order_id="order-2", outlet_id=None, channel="marketplace", channel_detail="shopee")
    assert story.states == {"sale-order-1": "skipped", "sale-order-2": "skipped"}
    story.set(msgspec.structs.replace(MAIN, outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk"))
    return story


def nobody() -> Story:
    """Tell a customer whom iSeller gave no id, then none at all."""
    story = Story()
    story.order(customer_id="7f3c1d90-aaaa", customer_first_name="sealed:x", order_details=LATTES)
    story.order(order_id="order-2", order_details=LATTES)
    named = [command.customer_id for command in story.commands if isinstance(command, BookInvoice)]
    assert named == ["7f3c1d90-aaaa", None]
    return story


def same_customer() -> Story:
    """Two orders of one GUID: one contact, whatever the name is by now."""
    story = Story()
    for number in (1, 2):
        story.order(
            order_id=f"order-{number}",
            customer_id="7f3c1d90-aaaa",
            customer_first_name=f"sealed:{number}",
            order_details=LATTES,
        )
    return story


def overpaid() -> Story:
    """50,000 in notes and 5,000 by iSeller Pay for 20,000: the change of 35,000 went out of the cash."""
    story = Story()
    story.order(order_details=LATTES, transactions=[paid("t1", 50_000), paid("t2", 5_000, gateway="iseller_pay")])
    return story


def rounded() -> Story:
    """Up is a line of its own, down a discount of the whole."""
    story = Story()
    story.order(order_details=LATTES, rounding_amount=50, total_amount=20_050)
    story.order(order_id="order-2", order_details=LATTES, rounding_amount=-50, total_amount=19_950)
    discounts = [command.header_discount for command in story.commands if isinstance(command, BookInvoice)]
    assert discounts == [0, 50]
    return story


def taxed_and_discounted() -> Story:
    """10,000 less 1,000 of its own, and 9,000: each bears 1,000 of the order's 2,000; 11 % on the first one's 8,000."""
    story = Story()
    story.order(
        order_details=[taxed("LATTE", 1, 10_000, discount_amount=1_000), line("MOCHA", 1, 9_000)],
        total_order_amount=19_000,
        total_discount_amount=3_000,
        total_tax_amount=880,
        tax_inclusive=False,
        total_amount=16_880,
    )
    return story


def tax_included() -> Story:
    """11,100 with 11 % in it: 10,000 and tax of 1,100."""
    story = Story()
    story.order(
        order_details=[taxed("LATTE", 1, 11_100)],
        total_order_amount=11_100,
        total_tax_amount=1_100,
        tax_inclusive=True,
        total_amount=11_100,
    )
    assert [command.total for command in story.commands if isinstance(command, BookInvoice)] == [11_100]
    return story


def tried_again() -> Story:
    """By a person: what is refused goes again under its identity, what failed is judged again; nothing goes twice."""
    story = Story()
    story.order(order_details=LATTES, transactions=[paid("t1", 20_000, gateway="voucher")])
    invoice = f"inv-{STORE}.order-1"
    story.refuse(invoice, "no contact")
    released = CommandReleased(command_id=invoice, actor="owner", reason="mended")
    story.tell(own(released, "order-order-1", "release:1"))
    assert {row.command_id for row in story.rows(CommandFreed)} == {invoice}
    for record_id in ("payment-order-1-t1", "payment-order-1-t1"):
        story.say(RecordRetried(record_id=record_id, actor="owner", reason="look again"), "order-order-1")
    return story


def told_again() -> Story:
    """Tell the same order six times, thin and full, by webhook and by poll."""
    story = Story()
    for channel in ("webhook", "poll", "webhook"):
        story.report("order", full_order(order_details=LATTES, transactions=[CASH]), channel=channel)
        story.report("order", {"order_id": "order-1", "status": "completed"}, channel=channel)
    return story


def before_live() -> Story:
    """Completed before, told again and paid after: shown, and never filled back."""
    story = Story(live=False)
    story.order(order_details=LATTES)
    story.go_live()
    story.order(order_details=LATTES, transactions=[CASH])
    return story


def late_and_repeated() -> Story:
    """Paid nine days later, told three times; that it was handed over moves nothing."""
    story = Story()
    story.order(order_details=LATTES)
    late = paid("t1", 20_000, transaction_date="2026-11-29T18:31:00")
    for _ in range(3):
        story.report("transaction", {**late, "order_id": "order-1"})
    story.order(order_details=LATTES, transactions=[late], fulfillment_status="fulfilled")
    return story


def near_midnight() -> Story:
    """17:30 UTC of the 20th is the 21st in Jakarta; the payment a day later is of the 22nd."""
    story = Story()
    at = {"order_date": "2026-11-20T17:30:00"}
    story.order(order_details=LATTES, transactions=[paid("t1", 20_000, transaction_date="2026-11-21T17:30:00")], **at)
    return story


def fee_differs() -> Story:
    """98,000 and 1,500 are no 100,000."""
    story = Story()
    story.report("payout", payout(total_deposit=98_000))
    return story


def closed_period() -> Story:
    """Failed with what to do, or booked on the first open day, as the rule says."""
    story = Story()
    story.set(BooksClosed(until=date(2026, 11, 25)))
    story.order(order_details=LATTES)
    assert story.states == {"sale-order-1": "failed"}
    told(story, SalesRulesSet(closed_period="first_open_day"))
    return story
