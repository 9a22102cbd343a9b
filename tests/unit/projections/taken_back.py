"""Refunds, voids and edits of a made-up order as iSeller reports them, and in words what Jurnal was asked for them."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from eventstore.facts.settings import SalesRulesSet, StoredValue
from projections.changes.booking import Booking
from projections.jurnal_commands.commands import (
    AdjustStock,
    ApplyCredit,
    BookInvoice,
    Command,
    DeleteInvoice,
    IssueCreditMemo,
    PostJournal,
    ReceivePayment,
    RefundCredit,
    ReturnSale,
    UpdateInvoice,
)
from tests.story import CONNECTION, Story, full_order, line, paid
from tests.unit.projections.shop_settings import shop

RULES = SalesRulesSet(
    cost_account="Cost of Sales",
    waste_account="Waste",
    sales_return_account="Sales Return",
    stored_value_clearing="Clearing",
    stored_value=(StoredValue("store_credit", "Store Credit"),),
)
# 10:00 in Jakarta on the day of the sale, and on the day after it.
SAME_DAY, NEXT_DAY = "2026-11-21T03:00:00", "2026-11-22T03:00:00"
# Long after everything: a poll that early knows all that happened.
_POLLED = 20_000
LATTES = [line("LATTE", 2, 10_000, order_detail_id="d1", product_id="p1")]
CASH = paid("t1", 20_000)


def sold(rules: SalesRulesSet = RULES, /, **fields: object) -> Story:
    """Return a shop that sold two lattes of Rp 10,000 for cash."""
    story = shop(rules, msgspec.structs.replace(CONNECTION, loss_account=None))
    story.order(**{"order_details": LATTES, "transactions": [CASH], **fields})
    return story


def refund(amount: object = 10_000, quantity: object = 1, *, at: str = SAME_DAY, **fields: object) -> dict[str, Any]:
    """Return the record of a refund of lattes that go back on the shelf."""
    goods = {"sku": "LATTE", "product_id": "p1"}
    return {
        "order_id": "order-1",
        "refund_date": at,
        "refund_amount": amount,
        "refund_details": [{**goods, "quantity": quantity}] if quantity else [],
        "units_returned": [{**goods, "stock": quantity}] if quantity else [],
        **fields,
    }


def given_back(
    identity: str = "r1", amount: object = 10_000, *, at: str = SAME_DAY, **fields: object
) -> dict[str, Any]:
    """Return the transaction of a refund in cash."""
    return paid(identity, amount, type="refund", transaction_date=at, order_id="order-1", **fields)


def refunded(story: Story, **fields: object) -> None:
    """Let iSeller report a refund on its own."""
    story.report("refund", refund(**fields))  # type: ignore[arg-type]


def money_went(story: Story, **fields: object) -> None:
    """Let iSeller report a refund's transaction on its own."""
    story.report("transaction", given_back(**fields))  # type: ignore[arg-type]


def polled(story: Story, **fields: object) -> None:
    """Let a poll tell the whole order, after all that happened to it."""
    order = full_order(**{"order_details": LATTES, "transactions": [CASH], **fields})
    story.report("order", order, observed_minute=_POLLED + len(story.facts), channel="poll")


def voided(story: Story, *, at: str = SAME_DAY, **fields: object) -> None:
    """Let a poll tell that the order is void."""
    polled(story, **{"status": "void", "cancel_date": at, **fields})


def after_sale(story: Story) -> list[str]:
    """Return in words everything that was asked of Jurnal after the first invoice with its deposit."""
    return [in_words(command) for command in story.commands[1:]]


def in_words(command: Command) -> str:  # noqa: C901, PLR0911 - one branch for each command
    """Return a command as one line: what, when, how much."""
    match command:
        case BookInvoice():
            deposit = f", {_rp(command.deposit)} into {command.deposit_account}" if command.deposit else ""
            return f"invoice {command.transaction_date}: {_rp(command.total)}{deposit}"
        case ReceivePayment():
            return f"payment {command.transaction_date}: {_rp(command.amount)} into {command.account}"
        case UpdateInvoice():
            content = command.content
            deposit = f", {_rp(content.deposit)} into {content.deposit_account}" if content.deposit else ""
            return f"update {command.change}: {_rp(content.total)}{deposit}"
        case DeleteInvoice():
            return "delete"
        case ReturnSale():
            lines = ", ".join(f"{_rp(each.quantity)} {each.product_code} at {_rp(each.rate)}" for each in command.lines)
            return f"return {command.transaction_date}: {lines} = {_rp(command.amount)}"
        case IssueCreditMemo():
            return f"memo {command.transaction_date}: {_rp(command.amount)} on {command.account}"
        case RefundCredit():
            return f"refund {command.transaction_date}: {_rp(command.amount)} out of {command.account}"
        case ApplyCredit():
            return f"apply: {_rp(command.amount)}"
        case AdjustStock():
            lines = ", ".join(f"{_rp(each.quantity)} {each.product_code}" for each in command.lines)
            return f"stock {command.transaction_date}: {lines} against {command.account}"
        case PostJournal():
            debits = ", ".join(f"{_rp(each.debit)} {each.account}" for each in command.lines if each.debit)
            credited = ", ".join(f"{_rp(each.credit)} {each.account}" for each in command.lines if each.credit)
            return f"entry {command.transaction_date}: {debits} to {credited}"
        case _:
            return type(command).__name__


def _rp(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def booked_invoice(**fields: Any) -> Booking:
    """Return an invoice as its order remembers it; `total` and whatever else matters are told."""
    untold: dict[str, Any] = {
        "revision": 1,
        "command_id": "inv-1",
        "invoice_no": "INV-1",
        "booked_on": date(2026, 11, 18),
        "warehouse": "Main Warehouse",
        "walk_in_contact": "Walk-in",
        "customer_id": None,
        "header_discount": Decimal(0),
        "lines": (),
        "content": "",
    }
    return Booking(**untold | fields)
