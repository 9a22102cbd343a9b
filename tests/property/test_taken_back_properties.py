"""Refunds, voids and voids undone: told in any order and more than once, they end with the same books."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.facts.reports.orders import Transaction
from eventstore.facts.reports.refunds import RefundReport
from eventstore.facts.settings import SalesRulesSet
from projections.changes.booking import BookedCredit, BookedLine, Booking
from projections.changes.refunds import TakenBack, refund_told, refunds_of, return_transaction_told
from projections.jurnal_commands.return_arithmetic import left_of, returned_lines, worth
from tests.sandbox_books import BUY_PRICE, SandboxBooks
from tests.story import Story, line, paid, taxed
from tests.unit.projections.shop_settings import shop
from tests.unit.projections.taken_back import RULES, booked_invoice, polled

D = Decimal
_SOLD = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
_ZERO = Decimal(0)


def _at(hours: int) -> str:
    return (_SOLD + timedelta(hours=hours)).isoformat().removesuffix("+00:00")


# --- which report and which transaction are one refund ----------------------------------------------------------------


@st.composite
def told_refunds(draw: st.DrawFn) -> list[RefundReport | tuple[Transaction, datetime]]:
    """Return records and transactions of refunds: few amounts and near times, so that they are easily mistaken."""
    told: list[RefundReport | tuple[Transaction, datetime]] = []
    amounts, hours = st.sampled_from([D(5_000), D(10_000)]), st.integers(1, 5)
    told += [
        RefundReport(order_id="o", refund_date=_at(draw(hours)), refund_amount=draw(amounts))
        for _ in range(draw(st.integers(0, 4)))
    ]
    for number in range(draw(st.integers(0, 4))):
        money = Transaction(transaction_id=f"r{number}", type="refund", amount=draw(amounts))
        told.append((money, _SOLD + timedelta(hours=draw(hours))))
    return told


def _pairs(told: list[RefundReport | tuple[Transaction, datetime]]) -> list[tuple[str, tuple[str, ...]]]:
    known = TakenBack()
    for observed, each in enumerate(told):
        known = _told(known, each, observed)
    return [(each.key, tuple(money.transaction_id for money in each.money)) for each in refunds_of(known)]


def _told(known: TakenBack, told: RefundReport | tuple[Transaction, datetime], observed: int) -> TakenBack:
    if isinstance(told, RefundReport):
        return refund_told(known, told, observed)
    return return_transaction_told(known, *told, observed)


@given(told=told_refunds(), data=st.data())
def test_when_something_was_told_first_is_by_the_reports_own_time_and_not_by_their_order(
    told: list[RefundReport | tuple[Transaction, datetime]], data: st.DataObject
) -> None:
    """What else has to be known since then decides whether a refund waits: the books hang on it."""
    reports = list(enumerate([*told, *told]))
    first: dict[str, int] = {}
    for arrived in (reports, data.draw(st.permutations(reports))):
        known = TakenBack()
        for observed, each in arrived:
            known = _told(known, each, observed)
        first = first or known.told_at
        assert known.told_at == first


@given(told=told_refunds(), data=st.data())
def test_whatever_the_order_of_telling_the_same_records_and_money_are_one_refund(
    told: list[RefundReport | tuple[Transaction, datetime]], data: st.DataObject
) -> None:
    """Each transaction is part of one refund; as many are paired as amounts allow; told again changes nothing."""
    again = data.draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
    pairs = _pairs(told)
    assert _pairs([*data.draw(st.permutations(told)), *again]) == pairs
    money = [identity for _, identities in pairs for identity in identities]
    assert sorted(money) == sorted(str(each[0].transaction_id) for each in told if isinstance(each, tuple))
    for amount in (D(5_000), D(10_000)):
        records = {each.refund_date for each in told if isinstance(each, RefundReport) and each.refund_amount == amount}
        paid_back = [each for each in told if isinstance(each, tuple) and each[0].amount == amount]
        both = [key for key, identities in pairs if f"-{amount:f}-" in key and identities]
        assert len(both) == min(len(records), len(paid_back))


# --- what a return is worth -------------------------------------------------------------------------------------------


@st.composite
def booked(draw: st.DrawFn) -> Booking:
    """Return an invoice of one to four lines, some taxed, some weighed, perhaps with a header discount."""
    lines = tuple(
        BookedLine(
            f"d{number}",
            f"p{number}",
            f"SKU{number}",
            draw(st.sampled_from([D(1), D(2), D(7), D("0.258"), D("1.5")])),
            draw(st.sampled_from([D(0), D(3_333), D(10_000), D("9009.01")])),
            draw(st.sampled_from([_ZERO, D(11), D("10.5")])),
        )
        for number in range(draw(st.integers(1, 4)))
    )
    nets = [each.quantity * each.rate for each in lines]
    header = min(draw(st.sampled_from([_ZERO, D(1), D(50)])), sum(nets, _ZERO))
    taxes = sum((net * each.tax / 100 for net, each in zip(nets, lines, strict=True)), _ZERO)
    return booked_invoice(total=sum(nets, _ZERO) - header + taxes, header_discount=header, lines=lines)


@given(booking=booked(), data=st.data())
def test_whatever_a_return_is_split_into_its_parts_add_up_to_the_invoice(booking: Booking, data: st.DataObject) -> None:
    """Nothing is worth less than nothing or more than is left, and all of it is worth the invoice's total exactly."""
    left = left_of(booking, None)
    while any(each.quantity for each in left):
        shares = data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=len(left), max_size=len(left)))
        back = {
            place: each.quantity if share == 2 else (each.quantity / 2).quantize(D("0.001"))
            for place, (each, share) in enumerate(zip(left, shares, strict=True))
            if share and each.quantity
        }
        if not any(back.values()):
            back = {place: each.quantity for place, each in enumerate(left) if each.quantity}
        amount = worth(booking, left, back, None)
        given_back = sum((credit.amount for credit in booking.credits), _ZERO)
        assert -D("1e-20") <= amount <= booking.total - given_back + D("1e-20")
        credit = BookedCredit(f"srn{len(booking.credits)}", amount, amount, _ZERO, returned_lines(left, back))
        booking = msgspec.structs.replace(booking, credits=(*booking.credits, credit))
        left = left_of(booking, None)
        assert all(each.quantity >= 0 for each in left)
    assert sum((credit.amount for credit in booking.credits), _ZERO) == booking.total


# --- whole histories, in the sandbox's books --------------------------------------------------------------------------

PRICES = {"LATTE": 3_333, "MOCHA": 10_000, "TEA": 12_500}


@dataclass(frozen=True)
class Back:
    """One refund: quantities by SKU, of which so many go back on the shelf; `fee`: what the customer does not get."""

    hours: int
    goods: dict[str, int]
    restocked: dict[str, int]
    amount: int
    store_credit: bool


@dataclass(frozen=True)
class History:
    """An order of so many of each product, of which `payments` are paid, with refunds; voided and perhaps undone.

    `before`: the quantities that it was told with first; others are an edit.
    """

    quantities: dict[str, int]
    before: dict[str, int]
    taxed: frozenset[str]
    discount: int
    rounding: int
    payments: tuple[int, ...]
    backs: tuple[Back, ...]
    end: str

    @property
    def total(self) -> int:
        """What iSeller says the order costs in the end."""
        return self.total_of(self.quantities)

    def total_of(self, quantities: dict[str, int]) -> int:
        """Return what iSeller says so many cost: taxes are rounded to whole rupiah."""
        nets = self._nets(quantities)
        taxes = sum(int(nets[sku] * 11 / Fraction(100) + Fraction(1, 2)) for sku in self.taxed)
        return sum(nets.values()) + taxes + self.rounding

    def _nets(self, quantities: dict[str, int]) -> dict[str, int]:
        return {sku: quantity * PRICES[sku] - self.discount for sku, quantity in quantities.items()}


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return a history whose refunds never exceed what was sold and paid."""
    skus = draw(st.lists(st.sampled_from(sorted(PRICES)), min_size=1, max_size=3, unique=True))
    quantities = {sku: draw(st.integers(1, 3)) for sku in skus}
    edited = {sku: draw(st.integers(1, 4)) for sku in skus}
    history = History(
        quantities=quantities,
        before=draw(st.sampled_from([quantities, quantities, edited])),
        taxed=draw(st.frozensets(st.sampled_from(skus))),
        discount=draw(st.sampled_from([0, 500])),
        rounding=draw(st.sampled_from([-50, 0, 30])),
        payments=(),
        backs=(),
        end=draw(st.sampled_from(["", "", "void", "void, goods lost", "undone"])),
    )
    total = history.total
    first = draw(st.sampled_from([total, total // 3]))
    payments = (first, total - first) if draw(st.booleans()) else (first,)
    # No more goes back than was paid.
    left, unpaid, backs = dict(history.quantities), sum(payments), []
    for number in range(draw(st.integers(0, 3))):
        goods = {sku: draw(st.integers(0, most)) for sku, most in left.items()}
        restocked = {sku: draw(st.integers(0, quantity)) for sku, quantity in goods.items()}
        worth_about = sum(quantity * PRICES[sku] for sku, quantity in goods.items())
        amount = min(max(worth_about + draw(st.sampled_from([0, 0, -700, 900])), 0), unpaid)
        if not amount:
            continue
        left = {sku: most - goods[sku] for sku, most in left.items()}
        unpaid -= amount
        backs.append(Back(2 + number, goods, restocked, amount, draw(st.booleans())))
    return replace(history, payments=tuple(filter(None, payments)), backs=tuple(backs))


def _order(history: History, quantities: dict[str, int]) -> dict[str, Any]:
    lines = []
    for sku, quantity in quantities.items():
        make = taxed if sku in history.taxed else line
        ids = {"order_detail_id": f"d-{sku}", "product_id": f"p-{sku}"}
        lines.append(make(sku, quantity, PRICES[sku], discount_amount=history.discount, **ids))
    return {
        "order_details": lines,
        "total_order_amount": sum(quantity * PRICES[sku] for sku, quantity in quantities.items()),
        "total_discount_amount": history.discount * len(lines),
        "rounding_amount": history.rounding,
        "total_amount": history.total_of(quantities),
        "tax_inclusive": False,
    }


def _payments(history: History) -> list[dict[str, Any]]:
    return [paid(f"t{number}", amount) for number, amount in enumerate(history.payments)]


def _record(back: Back) -> dict[str, Any]:
    return {
        "order_id": "order-1",
        "refund_date": _at(back.hours),
        "refund_amount": back.amount,
        "refund_details": [{"sku": sku, "quantity": quantity} for sku, quantity in back.goods.items() if quantity],
        "units_returned": [{"sku": sku, "stock": quantity} for sku, quantity in back.restocked.items() if quantity],
    }


def _money(back: Back) -> dict[str, Any]:
    gateway = "store_credit" if back.store_credit else "cash"
    fields = {"type": "refund", "transaction_date": _at(back.hours), "gateway": gateway, "order_id": "order-1"}
    return paid(f"r{back.hours}", back.amount, **fields)


def tell(history: History, data: st.DataObject, story: Story) -> Story:
    """Tell everything but the last poll in any order, some of it again, some of it never."""
    order, payments = _order(history, history.quantities), _payments(history)
    told: list[tuple[str, dict[str, Any]]] = []
    told += [("transaction", {**payment, "order_id": "order-1"}) for payment in payments]
    told += [("refund", _record(back)) for back in history.backs]
    told += [("transaction", _money(back)) for back in history.backs]
    shuffled = data.draw(st.permutations([*told, ("order", first_report(history))]))
    some = data.draw(st.lists(st.sampled_from(shuffled), max_size=3))
    dropped = data.draw(st.integers(0, len(shuffled)))
    for kind, fields in (*shuffled[:dropped], *some):
        _report(story, kind, fields)
    moved = [*payments, *map(_money, history.backs)]
    everything = {**order, "transactions": moved, "refunded_orders": [_record(back) for back in history.backs]}
    if history.end != "undone" or data.draw(st.booleans()):
        polled(story, **everything)
    if history.end:
        polled(story, **everything, status="void", cancel_date=_at(9))
    if history.end == "undone":
        polled(story, **everything, status="completed")
    return story


def first_report(history: History) -> dict[str, Any]:
    """Return the order as it is told first: with its first payment, before it was changed."""
    first = {"order_id": "order-1", "status": "completed", "transactions": _payments(history)[:1]}
    return first | _order(history, history.before)


def rules_of(history: History) -> SalesRulesSet:
    """Return the rules that a history needs."""
    return msgspec.structs.replace(RULES, void_restocks=history.end != "void, goods lost")


def _report(story: Story, kind: str, fields: dict[str, Any]) -> None:
    if kind == "order":
        story.order(**{key: value for key, value in fields.items() if key != "order_id"})
    else:
        story.report(kind, fields)


def ends_as_it_happened(history: History, books: SandboxBooks) -> None:
    """Assert that books say what happened."""
    is_back = history.end.startswith("void")
    back = {way: sum(each.amount for each in history.backs if each.store_credit is way) for way in (True, False)}
    # What was given back as store credit is owed still, so that much cash stays when all else goes back.
    paid_in = sum(history.payments)
    cash = back[True] if is_back else paid_in - back[False]
    balances = books.balances
    assert balances.get("Clearing", 0) == 0
    assert balances.get("Store Credit", 0) == -back[True]
    assert balances.get("Cash", 0) == cash
    owed, owed_before = Fraction(balances.get("Accounts Receivable", 0)), history.total - paid_in
    # What goes back of money is owed again, as far as goods stand for it: never more than before.
    assert -Fraction(1, 10) < owed < (Fraction(1, 10) if is_back else owed_before + Fraction(1, 10))
    if not is_back and not any(sum(each.goods.values()) for each in history.backs):
        assert abs(owed - owed_before) < Fraction(1, 10)
    assert abs(Fraction(books.credit_left())) < Fraction(1, 10)
    assert books.sandbox.exact_difference() == 0
    assert all(abs(difference) < Fraction(1, 10**9) for difference in books.returned.values())
    lost = 0
    for sku, quantity in history.quantities.items():
        kept_back = sum(each.restocked.get(sku, 0) for each in history.backs)
        wasted = sum(each.goods.get(sku, 0) - each.restocked.get(sku, 0) for each in history.backs)
        gone = wasted if is_back else quantity - kept_back
        if history.end == "void, goods lost":
            gone = quantity - kept_back
            wasted = gone
        assert books.stock(sku) == -gone, sku
        lost += wasted
    assert balances.get("Waste", 0) == lost * BUY_PRICE
    if is_back:
        assert abs(Fraction(balances.get("VAT Out", 0))) < Fraction(1, 10**9)


@settings(max_examples=120, deadline=None)
@given(history=histories(), data=st.data())
def test_any_history_of_refunds_and_voids_ends_with_the_books_of_what_happened(
    history: History, data: st.DataObject
) -> None:
    """Cash, liability, stock and receivables are what happened, whatever was told first, twice or only by the poll."""
    story = tell(history, data, shop(rules_of(history)))
    assert not {state for state in story.states.values() if state in ("held", "failed")}, story.records
    ends_as_it_happened(history, SandboxBooks().book(story))
