"""Whatever the order, split and repetition of its reports, an order is one invoice and each of its payments once."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.facts.settings import SalesRulesSet
from projections.jurnal_commands.commands import BookInvoice, PostJournal, ReceivePayment
from projections.jurnal_commands.fold import CommandAdded
from tests.story import Story, full_order, line, paid
from tests.unit.projections.shop_settings import STORED, WITH_VOUCHER, invoices, journals, money, told

D = Decimal
CLEARING = "Stored Value Clearing"
ORDERED_ON = date(2026, 11, 21)
ACCOUNTS = {
    "cash": "Cash",
    "iseller_pay": "iSeller Pay Clearing",
    "voucher": "Bank BCA",
    "points": CLEARING,
    "gift_card": CLEARING,
}
LIABILITIES = {known.gateway: known.liability_account for known in STORED}
Booked = Counter[tuple[Decimal, str, date]]


@dataclass(frozen=True)
class Money:
    """One payment, so many days after the sale."""

    amount: Decimal
    gateway: str
    days: int

    def transaction(self, number: int) -> dict[str, Any]:
        """Return what iSeller reports of it."""
        at = f"{ORDERED_ON + timedelta(days=self.days):%Y-%m-%d}T05:0{number}:00"
        return paid(f"t{number}", float(self.amount), gateway=self.gateway, transaction_date=at)


AMOUNTS = st.sampled_from([D("0.5"), D("1999.25"), D(8_000), D(30_000)])
PAYMENTS = st.lists(
    st.builds(Money, AMOUNTS, st.sampled_from(sorted(ACCOUNTS)), st.sampled_from((0, 0, 1))), max_size=4
)


def reports_of(payments: list[Money], total: Decimal, *, drafted: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return what iSeller reports of an order over time: a webhook for each change, and each payment by a poll."""
    whole = {
        "total_order_amount": float(total),
        "total_amount": float(total),
        "order_details": [line(price=float(total))],
    }
    transactions = [payment.transaction(number) for number, payment in enumerate(payments)]
    reports: list[tuple[str, dict[str, Any]]] = []
    if drafted:
        reports.append(("order", full_order(**whole, status="draft")))
    reports.append(("order", {"order_id": "order-1", "order_reference": "#3101-1001", "status": "completed"}))
    reports += [
        ("order", full_order(**whole, transactions=transactions[:count])) for count in range(len(transactions) + 1)
    ]
    return reports + [("transaction", {**each, "order_id": "order-1"}) for each in transactions]


def booked_money(story: Story) -> Booked:
    """Return amount, account and date of all money, deposits like payments."""
    deposits = [
        (invoice.deposit, invoice.deposit_account or "", invoice.transaction_date)
        for invoice in invoices(story)
        if invoice.deposit
    ]
    receipts = [
        (command.amount, command.account, command.transaction_date)
        for command in story.commands
        if isinstance(command, ReceivePayment)
    ]
    return Counter([*deposits, *receipts])


@settings(max_examples=120, deadline=None)
@given(payments=PAYMENTS, total=st.sampled_from([D(8_000), D("20000.5")]), drafted=st.booleans(), data=st.data())
def test_any_order_split_and_repetition_of_reports_ends_with_one_invoice_and_each_payment_once(
    payments: list[Money], total: Decimal, drafted: bool, data: st.DataObject
) -> None:
    """The same documents, never more money than the total, and nothing left in the stored-value clearing account."""
    reports = list(enumerate(reports_of(payments, total, drafted=drafted)))
    order = data.draw(st.permutations(reports))
    again = data.draw(st.lists(st.sampled_from(reports), max_size=3))
    mapped_after = data.draw(st.integers(0, len(order)))
    story = Story()
    told(story, SalesRulesSet(stored_value_clearing=CLEARING, stored_value=STORED))
    for count, (minute, (kind, report)) in enumerate((*order, *again)):
        if count == mapped_after:
            told(story, WITH_VOUCHER)
        story.report(kind, report, observed_minute=minute)
        assert money(story) <= total
    if mapped_after == len(order) and not again:
        told(story, WITH_VOUCHER)
    (invoice,) = invoices(story)
    assert (invoice.total, invoice.transaction_date) == (total, ORDERED_ON)
    assert money(story) == min(total, sum((payment.amount for payment in payments), D(0)))
    assert all(isinstance(command, BookInvoice | ReceivePayment | PostJournal) for command in story.commands)
    assert len({row.command_id for row in story.rows(CommandAdded)}) == len(story.commands)
    assert not set(story.states.values()) & {"failed", "held"}
    _assert_cleared(story)
    if sum((payment.amount for payment in payments), D(0)) <= total:
        assert booked_money(story) == Counter(
            (payment.amount, ACCOUNTS[payment.gateway], ORDERED_ON + timedelta(days=payment.days))
            for payment in payments
        )
        assert _debited(story) == {
            liability: due
            for gateway, liability in LIABILITIES.items()
            if (due := sum((payment.amount for payment in payments if payment.gateway == gateway), D(0)))
        }


def _debited(story: Story) -> dict[str, Decimal]:
    debited: dict[str, Decimal] = {}
    for entry in journals(story):
        for side in entry.lines:
            if side.debit:
                debited[side.account] = debited.get(side.account, D(0)) + side.debit
    return debited


def _assert_cleared(story: Story) -> None:
    """Money into the clearing account goes out of it by entries of the same date."""
    left: dict[date, Decimal] = {}
    for amount, account, day in booked_money(story).elements():
        if account == CLEARING:
            left[day] = left.get(day, D(0)) + amount
    for entry in journals(story):
        for side in entry.lines:
            if side.account == CLEARING:
                left[entry.transaction_date] = left.get(entry.transaction_date, D(0)) + side.debit - side.credit
    assert not any(left.values())
