"""What Jurnal's books must say after a shop's days, from the generator's own record and the written rules alone."""

from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from math import floor

import msgspec

from ops.sandbox.expected_goods import GoodsRecord
from ops.sandbox.expected_invoices import expected_invoice
from ops.sandbox.expected_valuation import Movement, value_product
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic import Traffic
from ops.sandbox.traffic_calendar import local_date
from ops.sandbox.traffic_events import (
    OrderCompleted,
    OrderPaid,
    Payout,
    PayoutCompleted,
    StockAdjusted,
    StockBought,
    StockCounted,
    SupplierDelivered,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)
from ops.sandbox.traffic_order import Order, Payment

DOCUMENT_TYPES = ("sales_invoice", "receive_payment", "warehouse_transfer", "bank_deposit", "bank_withdrawal")


class ExpectedBooks(msgspec.Struct, frozen=True, kw_only=True):
    """Whole rupiah, each account rounded half-up by itself; quantities exact.

    `profit_and_loss`: account name to amount, income positive (Sales Discount negative), costs positive.
    `balances`: "receivables", "clearing", "tax", "inventory" and "bank:<account>" for the other Cash & Bank accounts,
    and "goods_received" where suppliers brought or took anything.
    `invoices`: Open, Partial, Paid. `stock`: warehouse to SKU to quantity, the transit warehouse left out.
    `in_transit`: every SKU that travelled. `documents` and `references`: by type; a reference is the iSeller id by
    which the document is found. `exact`: account name to balance before rounding, debit positive; their sum is 0.
    """

    profit_and_loss: dict[str, Decimal]
    balances: dict[str, Decimal]
    invoices: dict[str, int]
    stock: dict[str, dict[str, Decimal]]
    in_transit: dict[str, Decimal]
    documents: dict[str, int]
    references: dict[str, list[str]]
    exact: dict[str, Fraction]


def expected_books(scenario: Scenario, traffic: Traffic) -> ExpectedBooks:
    """Keep the books of the traffic's events; payments known at completion are deposits of their invoice.

    Of those only the first; every other payment is a receive_payment.
    """
    record = _Record(scenario)
    for event in traffic.events:
        match event:
            case StockBought():
                record.buy(event)
            case OrderCompleted():
                record.invoice(event.order)
            case OrderPaid():
                record.pay(event.order_id, event.payment)
                record.references["receive_payment"].append(event.payment.transaction_id)
            case TransferStarted() | TransferReceived():
                record.goods.transfer(event)
            case SupplierDelivered() | SupplierReturned() | StockCounted() | StockAdjusted():
                record.goods.change(event)
            case PayoutCompleted():
                record.pay_out(event.payout)
            case _:
                # Members, shifts, fulfilments and payouts that did not complete move no account.
                continue
    return record.close()


def half_up(amount: Fraction) -> Decimal:
    """Round to whole rupiah; a half goes away from zero."""
    rounded = floor(abs(amount) + Fraction(1, 2))
    return Decimal(rounded if amount >= 0 else -rounded)


class _Record:
    """The generator's own double-entry record; a debit is positive."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.accounts: dict[str, Fraction] = defaultdict(Fraction)
        self.unpaid: dict[str, Fraction] = {}
        self.totals: dict[str, Fraction] = {}
        self.references: dict[str, list[str]] = {document_type: [] for document_type in DOCUMENT_TYPES}
        self.goods = GoodsRecord(scenario, self.references)

    def post(self, debit: str, credit: str, amount: Fraction) -> None:
        self.accounts[debit] += amount
        self.accounts[credit] -= amount

    def buy(self, bought: StockBought) -> None:
        names = self.scenario.accounts
        quantity, price = Fraction(bought.quantity), Fraction(bought.unit_price_idr)
        self.post(names.inventory, names.opening_balance_equity, quantity * price)
        self.goods.movements[bought.sku].append(Movement(date=bought.date, quantity=quantity, unit_price=price))
        self.goods.stock[bought.warehouse][bought.sku] += int(bought.quantity)

    def invoice(self, order: Order) -> None:
        names = self.scenario.accounts
        invoice = expected_invoice(order, Fraction(self.scenario.tax_percentage))
        self.post(names.receivables, names.sales, invoice.sales)
        self.post(names.receivables, names.tax, invoice.tax)
        if invoice.remainder > 0:
            self.post(names.receivables, names.rounding, invoice.remainder)
        elif invoice.remainder < 0:
            self.post(names.sales_discount, names.receivables, -invoice.remainder)
        self.totals[order.order_id] = self.unpaid[order.order_id] = invoice.total
        sold_on = local_date(self.scenario, order.at)
        warehouse = self.scenario.outlet(order.outlet_code).warehouse
        for line in order.lines:
            sold = Movement(date=sold_on, quantity=Fraction(line.quantity), unit_price=None)
            self.goods.movements[line.sku].append(sold)
            self.goods.stock[warehouse][line.sku] -= int(line.quantity)
        self.references["sales_invoice"].append(order.order_id)
        for payment in order.payments:
            self.pay(order.order_id, payment)
        self.references["receive_payment"].extend(payment.transaction_id for payment in order.payments[1:])

    def pay(self, order_id: str, payment: Payment) -> None:
        amount = Fraction(payment.amount_idr)
        self.post(self.scenario.gateway_accounts[payment.gateway], self.scenario.accounts.receivables, amount)
        self.unpaid[order_id] -= amount

    def pay_out(self, payout: Payout) -> None:
        names = self.scenario.accounts
        self.post(names.payout, names.clearing, Fraction(payout.deposit_idr))
        self.post(names.mdr, names.clearing, Fraction(payout.fees_idr))
        self.references["bank_deposit"].append(payout.reference_id)
        self.references["bank_withdrawal"].append(payout.reference_id)

    def close(self) -> ExpectedBooks:
        names = self.scenario.accounts
        for sku, movements in self.goods.movements.items():
            valuation = value_product(movements, Fraction(self.scenario.product(sku).buy_prices_idr[0]))
            self.post(names.cost_of_sales, names.inventory, valuation.cost_of_sales)
            for account, amount in valuation.others.items():
                self.post(account, names.inventory, amount)
        self.post(names.inventory, names.goods_received, self.goods.received_value)
        return ExpectedBooks(
            profit_and_loss=self._profit_and_loss(),
            balances=self._balances(),
            invoices=self._invoices(),
            stock={
                warehouse: {sku: Decimal(quantity) for sku, quantity in sorted(pieces.items())}
                for warehouse, pieces in self.goods.stock.items()
            },
            in_transit={sku: Decimal(quantity) for sku, quantity in sorted(self.goods.in_transit.items())},
            documents={document_type: len(found) for document_type, found in self.references.items()},
            references=self.references,
            exact=dict(self.accounts),
        )

    def _profit_and_loss(self) -> dict[str, Decimal]:
        names = self.scenario.accounts
        income = (names.sales, names.sales_discount, names.rounding)
        costs = (names.cost_of_sales, names.mdr, names.loss, names.stock_adjustment)
        moved = {account: -self.accounts[account] for account in income if account in self.accounts}
        moved |= {account: self.accounts[account] for account in costs if account in self.accounts}
        return {account: half_up(amount) for account, amount in moved.items()}

    def _balances(self) -> dict[str, Decimal]:
        names = self.scenario.accounts
        banks = {*self.scenario.gateway_accounts.values(), names.payout} - {names.clearing}
        exact = {
            "receivables": self.accounts[names.receivables],
            "clearing": self.accounts[names.clearing],
            "tax": -self.accounts[names.tax],
            "inventory": self.accounts[names.inventory],
        } | {f"bank:{bank}": self.accounts[bank] for bank in sorted(banks)}
        if self.accounts[names.goods_received]:
            exact["goods_received"] = -self.accounts[names.goods_received]
        return {name: half_up(amount) for name, amount in exact.items()}

    def _invoices(self) -> dict[str, int]:
        statuses = Counter({"Open": 0, "Partial": 0, "Paid": 0})
        for order_id, unpaid in self.unpaid.items():
            if unpaid == 0:
                statuses["Paid"] += 1
            else:
                statuses["Open" if unpaid == self.totals[order_id] else "Partial"] += 1
        return dict(statuses)
