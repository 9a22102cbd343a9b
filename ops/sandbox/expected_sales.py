"""What sales, payments and all that is taken back or changed do to the books, by the written rules."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import product
from math import floor

import msgspec

from ops.sandbox.expected_goods import GoodsRecord
from ops.sandbox.expected_invoices import ExpectedInvoice, InvoiceLine, expected_invoice
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_afterwards import OrderAfterwards, OrderEdited, OrderRefunded, OrderVoided, Refund, VoidUndone
from ops.sandbox.traffic_calendar import local_date
from ops.sandbox.traffic_goods import sold_goods, warehouse_of
from ops.sandbox.traffic_order import Order, OrderLine, Payment
from ops.sandbox.traffic_tenders import CASH, account_of

_CENT = Fraction(1, 100)
_ZERO = Fraction(0)


class Sold(msgspec.Struct, kw_only=True):
    """One invoice as it stands. `returned`: of each of its lines, in their order; `lowered`: what need not be paid.

    `received`, `given_back`: each payment's account and amount. `at_sale`: how many payments came in with it. `excess`:
    what was paid beyond it, other than in cash, and did not go back. `gone`: what came back, by order line.
    `is_anew`: it took the place of one that was returned whole, and the credit of that pays it.
    """

    order: Order
    invoice: ExpectedInvoice
    returned: list[Fraction]
    received: list[tuple[str, Fraction]] = []
    given_back: list[tuple[str, Fraction]] = []
    at_sale: int = 0
    excess: Fraction = _ZERO
    gone: dict[str, Decimal] = {}
    paid: Fraction = _ZERO
    lowered: Fraction = _ZERO
    is_anew: bool = False

    @property
    def owed(self) -> Fraction:
        """What the customer still owes of it."""
        return self.invoice.total - self.paid - self.lowered

    @property
    def status(self) -> str:
        """Jurnal's word for it."""
        if self.owed == 0:
            return "Paid"
        return "Partial" if self.paid or any(self.returned) else "Open"


class SalesRecord:
    """The accounts that sales move, debits positive, and every invoice; `references` is filled by type of document."""

    def __init__(self, scenario: Scenario, goods: GoodsRecord, references: dict[str, list[str]]) -> None:
        self._scenario = scenario
        self._goods = goods
        self._references = references
        self.accounts: dict[str, Fraction] = defaultdict(Fraction)
        self.owed_by: dict[str, Fraction] = defaultdict(Fraction)
        self.invoices: list[Sold] = []
        self.customers: set[str] = set()
        self._current: dict[str, Sold] = {}

    def sell(self, order: Order) -> None:
        """Book an order with the payments known at its completion: the first is the deposit."""
        if order.customer_id is not None:
            self.customers.add(order.customer_id)
        self._invoice(order)
        for payment in order.payments:
            self.pay(order.order_id, payment)
        self._current[order.order_id].at_sale = len(self._current[order.order_id].received)
        self._references["receive_payment"].extend(payment.transaction_id for payment in order.payments[1:])

    def pay(self, order_id: str, payment: Payment) -> None:
        """Receive a payment, never more than is owed; what cash is beyond that is change."""
        sold = self._current[order_id]
        account = account_of(self._scenario, payment)
        amount = min(Fraction(payment.amount_idr), _to_the_cent(sold.owed))
        if payment.gateway != CASH.gateway:
            sold.excess += Fraction(payment.amount_idr) - amount
        if amount:
            self._move(account, self._scenario.accounts.receivables, amount, sold)
            sold.paid += amount
            sold.received.append((account, amount))

    def change(self, event: OrderAfterwards) -> None:
        """Take back or change; a payment that failed after all stands until a person has seen to it."""
        match event:
            case OrderRefunded():
                self._refund(event)
            case OrderVoided():
                self._void(event)
            case VoidUndone():
                self._invoice(self._current[event.order_id].order)
                for payment in event.payments:
                    self.pay(event.order_id, payment)
            case OrderEdited():
                self._edit(event)
            case _:
                return

    def statuses(self) -> dict[str, int]:
        """Count the invoices by Jurnal's status."""
        counts = Counter({"Open": 0, "Partial": 0, "Paid": 0})
        counts.update(sold.status for sold in self.invoices)
        return dict(counts)

    def _invoice(self, order: Order) -> Sold:
        sold = self._bill(order)
        self._hand_over(order, Fraction(1))
        return sold

    def _bill(self, order: Order) -> Sold:
        """Enter an invoice without its goods."""
        invoice = expected_invoice(self._scenario, order)
        sold = Sold(order=order, invoice=invoice, returned=[_ZERO] * len(invoice.lines))
        self._enter(sold, Fraction(1))
        self.invoices.append(sold)
        self._references["sales_invoice"].append(order.order_id)
        self._current[order.order_id] = sold
        return sold

    def _enter(self, sold: Sold, sign: Fraction) -> None:
        """Enter an invoice, or (-1) take it out as if it had never been."""
        names = self._scenario.accounts
        for line in sold.invoice.lines:
            self._move(names.receivables, line.account, sign * line.net, sold)
            self._move(names.receivables, line.tax_account or names.tax, sign * line.tax_amount, sold)
        self._move(names.sales_discount, names.receivables, sign * sold.invoice.discount, sold)
        for account, amount in sold.invoice.given.items():
            self._move(names.discounts_given, account, sign * amount, sold)

    def _hand_over(self, order: Order, sign: Fraction) -> None:
        """Let the goods of an order go on the day of its sale, or (-1) never have gone."""
        warehouse, day = warehouse_of(self._scenario, order), local_date(self._scenario, order.at)
        for sku, quantity in sold_goods(self._scenario, order.lines):
            self._goods.sell(day, warehouse, sku, sign * Fraction(quantity))

    def _void(self, event: OrderVoided) -> None:
        """Take everything back, or (by the rule, on the sale's own day) let the invoice be gone with its deposit."""
        sold = self._current[event.order_id]
        mode, same_day = self._scenario.mode, self._day(event.at) == self._day(sold.order.at)
        is_touched = sold.is_anew or any(sold.returned) or self._has_separate_payment(sold)
        is_bare = bool(sold.invoice.lines) and not is_touched
        if mode.same_day_void == "delete" and same_day and is_bare:
            for account, amount in sold.received:
                self._move(self._scenario.accounts.receivables, account, amount, sold)
            self._remove(sold)
            return
        self._take_back(sold, self._left(sold), _due(sold))
        lines = (
            msgspec.structs.replace(line, quantity=line.quantity - sold.gone.get(line.order_detail_id, Decimal(0)))
            for line in sold.order.lines
        )
        self._restock([line for line in lines if line.quantity], sold.order, event.at)

    def _remove(self, sold: Sold) -> None:
        """Take an invoice out of the books as if it had never been."""
        self.invoices.remove(sold)
        self._enter(sold, Fraction(-1))
        self._hand_over(sold.order, Fraction(-1))
        self._references["sales_invoice"].remove(sold.order.order_id)

    def _day(self, at: datetime) -> date:
        return local_date(self._scenario, at)

    def _refund(self, event: OrderRefunded) -> None:
        sold, refund = self._current[event.order_id], event.refund
        amount = _ZERO if refund.money is None else Fraction(refund.money.amount_idr)
        quantities = self._meant(sold, refund)
        sold, again = self._owing_again(sold, quantities, amount)
        worth = self._worth(sold, quantities)
        beyond = max(amount - again - _to_the_cent(worth - min(worth, sold.owed)), _ZERO)
        # What was paid beyond the invoice was never booked, and goes back first.
        unbooked = min(beyond, sold.excess)
        sold.excess -= unbooked
        money = [] if refund.money is None else [(account_of(self._scenario, refund.money), amount - unbooked)]
        self._take_back(sold, quantities, money, owed_again=again)
        sold.given_back += money
        for piece in refund.pieces:
            sold.gone[piece.order_detail_id] = sold.gone.get(piece.order_detail_id, Decimal(0)) + piece.quantity
        lines = {line.order_detail_id: line for line in sold.order.lines}
        back = [
            msgspec.structs.replace(lines[piece.order_detail_id], quantity=piece.quantity) for piece in refund.pieces
        ]
        if refund.restocked:
            self._restock(back, sold.order, event.at)
        else:
            self._throw_away(back, event.at)

    def _owing_again(self, sold: Sold, quantities: list[Fraction], money: Fraction) -> tuple[Sold, Fraction]:
        """Return the invoice that a refund is of, and what of its money is owed again: the goods' worth had been paid.

        No document raises what an invoice owes. So it is returned whole and booked anew that day, with what had come
        back before, and with less of its money; the goods stay where they are.
        """
        worth = self._worth(sold, quantities)
        credit = _to_the_cent(worth - min(worth, sold.owed))
        again = _to_the_cent(min(money, worth))
        if sold.owed <= 0 or again <= credit:
            return sold, _ZERO
        before, back = sold.returned, self._worth(sold, sold.returned)
        paid = _to_the_cent(sold.invoice.total - back - sold.owed)
        self._take_back(sold, self._left(sold), (), keeps_credit=True)
        anew = self._bill(sold.order)
        anew.paid, anew.received, anew.is_anew = paid - again, sold.received, True
        anew.given_back, anew.excess, anew.gone = sold.given_back, sold.excess, sold.gone
        self._take_back(anew, before, (), keeps_credit=True)
        return anew, again

    def _take_back(
        self,
        sold: Sold,
        quantities: list[Fraction],
        money: Sequence[tuple[str, Fraction]],
        *,
        keeps_credit: bool = False,
        owed_again: Fraction = _ZERO,
    ) -> None:
        """Return lines, lower what is owed, and pay the rest out; what was given back beyond it is returns, too."""
        names, worth = self._scenario.accounts, self._worth(sold, quantities)
        for line, quantity in zip(sold.invoice.lines, quantities, strict=True):
            share = quantity / line.quantity
            self._move(names.sales_return, names.receivables, self._net(sold, line) * share, sold)
            self._move(line.tax_account or names.tax, names.receivables, line.tax_amount * share, sold)
        sold.returned = [before + more for before, more in zip(sold.returned, quantities, strict=True)]
        lowered = min(worth, sold.owed)
        sold.lowered += lowered
        credit = _to_the_cent(worth - lowered) + owed_again
        for account, amount in money:
            self._move(names.receivables, account, amount, sold)
        if not keeps_credit:
            back = sum((amount for _, amount in money), _ZERO)
            self._move(names.receivables, names.sales_return, credit - back, sold)

    def _edit(self, event: OrderEdited) -> None:
        """Change the invoice; one with payments of their own is returned whole and booked anew, with its money."""
        before = self._current[event.order.order_id]
        is_anew = before.is_anew or self._has_separate_payment(before)
        if is_anew:
            self._take_back(before, self._left(before), (), keeps_credit=True)
            self._restock(before.order.lines, before.order, event.at)
        else:
            self._remove(before)
        after = self._invoice(event.order)
        after.paid, after.received, after.is_anew = before.paid, before.received, is_anew
        after.at_sale = before.at_sale

    def _has_separate_payment(self, sold: Sold) -> bool:
        """Tell whether an invoice has more than a deposit; where methods are kept, no payment is one."""
        is_kept = self._scenario.mode.payment_method_kept
        return len(sold.received) > (0 if is_kept else min(sold.at_sale, 1))

    def _left(self, sold: Sold) -> list[Fraction]:
        return [line.quantity - back for line, back in zip(sold.invoice.lines, sold.returned, strict=True)]

    def _meant(self, sold: Sold, refund: Refund) -> list[Fraction]:
        """Return how much of each line goods mean: of a product on two lines, what is worth nearest to the refund.

        With the last piece, charges, shipping and rounding come back.
        """
        left = self._left(sold)
        ways: list[list[dict[int, Fraction]]] = []
        for piece in refund.pieces:
            places = [n for n, line in enumerate(sold.invoice.lines) if line.detail_id == piece.order_detail_id]
            orders = [places[start:] + places[:start] for start in range(len(places))] or [[]]
            ways.append([_spread(order, left, Fraction(piece.quantity)) for order in orders])
        candidates = []
        for way in product(*ways):
            taken = {place: quantity for spread in way for place, quantity in spread.items()}
            quantities = [taken.get(place, _ZERO) for place in range(len(left))]
            if refund.pieces and all(
                line.detail_id == "" or quantities[n] == left[n] for n, line in enumerate(sold.invoice.lines)
            ):
                quantities = left
            candidates.append(quantities)
        if not refund.amount_idr:
            return candidates[0]
        return min(candidates, key=lambda each: abs(self._worth(sold, each) - Fraction(refund.amount_idr)))

    def _worth(self, sold: Sold, quantities: list[Fraction]) -> Fraction:
        lines = zip(sold.invoice.lines, quantities, strict=True)
        return sum(
            ((self._net(sold, line) + line.tax_amount) * quantity / line.quantity for line, quantity in lines), _ZERO
        )

    def _net(self, sold: Sold, line: InvoiceLine) -> Fraction:
        """Return a line's net less its share of the invoice's discount."""
        return line.net * (1 - sold.invoice.discount / sold.invoice.net)

    def _restock(self, lines: Iterable[OrderLine], order: Order, at: datetime) -> None:
        """Put goods back on the shelf, or the parts they were made of."""
        warehouse, day = warehouse_of(self._scenario, order), local_date(self._scenario, at)
        for sku, quantity in sold_goods(self._scenario, lines):
            self._goods.sell(day, warehouse, sku, -Fraction(quantity))

    def _throw_away(self, lines: Iterable[OrderLine], at: datetime) -> None:
        """Let goods that came back be waste and no cost of sales; of what was made of parts, nothing comes back."""
        for line in lines:
            if self._scenario.product(line.sku).in_stock:
                self._goods.waste(local_date(self._scenario, at), line.sku.strip(), Fraction(line.quantity))

    def _move(self, debit: str, credit: str, amount: Fraction, sold: Sold) -> None:
        if not amount:
            return
        receivables = self._scenario.accounts.receivables
        self.accounts[debit] += amount
        self.accounts[credit] -= amount
        customer = sold.order.customer_id or ""
        self.owed_by[customer] += amount * ((debit == receivables) - (credit == receivables))


def _due(sold: Sold) -> list[tuple[str, Fraction]]:
    """Return what a void gives back: by each way what came in by it, less what went back; else by the last one."""
    due: dict[str, Fraction] = defaultdict(Fraction)
    for account, amount in sold.received:
        due[account] += amount
    for own, amount in sold.given_back:
        left = amount
        for account in (own, *reversed([each for each in due if each != own])):
            part = min(left, due.get(account, _ZERO))
            if part:
                due[account] -= part
                left -= part
    return list(due.items())


def _to_the_cent(amount: Fraction) -> Fraction:
    """Leave out what is less than a hundredth: it cannot be paid."""
    return floor(amount / _CENT) * _CENT


def _spread(places: list[int], left: list[Fraction], quantity: Fraction) -> dict[int, Fraction]:
    taken = {}
    for place in places:
        taken[place] = min(quantity, left[place])
        quantity -= taken[place]
    return taken
