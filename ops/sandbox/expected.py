"""What Jurnal's books must say after a shop's days, from the generator's own record and the written rules alone."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import floor

import msgspec

from ops.sandbox.expected_goods import GoodsRecord
from ops.sandbox.expected_sales import SalesRecord
from ops.sandbox.expected_valuation import value_product
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic import Traffic
from ops.sandbox.traffic_afterwards import OrderEdited, OrderRefunded, OrderVoided, PaymentReversed, VoidUndone
from ops.sandbox.traffic_events import (
    Event,
    OrderCompleted,
    OrderPaid,
    Payout,
    PayoutCompleted,
    PayoutUntold,
    StockAdjusted,
    StockBought,
    StockCounted,
    SupplierDelivered,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)

DOCUMENT_TYPES = ("sales_invoice", "receive_payment", "warehouse_transfer", "bank_deposit", "bank_withdrawal")


class ExpectedBooks(msgspec.Struct, frozen=True, kw_only=True):
    """Whole rupiah, each account rounded half-up by itself; quantities exact.

    `profit_and_loss`: account name to amount, income positive (Sales Discount negative), costs positive.
    `balances`: see `balance_accounts`; "goods_received" only where suppliers brought or took anything.
    `receivables`: what each customer owes, the anonymous ones together, largest first; who owes nothing is left out.
    `customers`: iSeller's id of everybody who bought by name, as far as Jurnal is to know them by it, else "", sorted.
    `invoices`: Open, Partial, Paid. `stock`: warehouse to SKU to quantity, the transit warehouse left out.
    `in_transit`: every SKU that travelled. `documents` and `references`: by type; a reference is the iSeller id by
    which the document is found. `exact`: account name to balance before rounding, debit positive; their sum is 0.
    """

    profit_and_loss: dict[str, Decimal]
    balances: dict[str, Decimal]
    receivables: list[Decimal]
    customers: list[str]
    invoices: dict[str, int]
    stock: dict[str, dict[str, Decimal]]
    in_transit: dict[str, Decimal]
    documents: dict[str, int]
    references: dict[str, list[str]]
    exact: dict[str, Fraction]


def expected_books(scenario: Scenario, traffic: Traffic) -> ExpectedBooks:
    """Keep the books of the traffic's events, as they are once everything that failed is mended or seen to.

    Of the payments known at completion the first is its invoice's deposit; every other one is a receive_payment.
    """
    record = _Record(scenario)
    for event in _booked(traffic):
        match event:
            case StockBought():
                record.buy(event)
            case OrderCompleted():
                record.sales.sell(event.order)
            case OrderPaid():
                record.sales.pay(event.order_id, event.payment)
                record.references["receive_payment"].append(event.payment.transaction_id)
            case OrderRefunded() | OrderVoided() | VoidUndone() | OrderEdited() | PaymentReversed():
                record.sales.change(event)
            case TransferStarted() | TransferReceived():
                record.goods.transfer(event)
            case SupplierDelivered() | SupplierReturned() | StockCounted() | StockAdjusted():
                record.goods.change(event)
            case PayoutCompleted() | PayoutUntold():
                record.pay_out(event.payout)
            case _:
                # Members, shifts, fulfilments and payouts that did not complete move no account.
                continue
    return record.close()


def _booked(traffic: Traffic) -> Iterator[Event]:
    """Go through what is booked: not the sales and receipts that a person has seen to."""
    skipped = {failure.record_id for failure in traffic.intended if failure.mended_by == "skip"}
    for event in traffic.events:
        is_sale = isinstance(event, OrderCompleted) and f"sale-{event.order.order_id}" in skipped
        is_receipt = isinstance(event, TransferReceived) and f"transfer-{event.inventory_adjustment_id}" in skipped
        if not is_sale and not is_receipt:
            yield event


def half_up(amount: Fraction) -> Decimal:
    """Round to whole rupiah; a half goes away from zero."""
    rounded = floor(abs(amount) + Fraction(1, 2))
    return Decimal(rounded if amount >= 0 else -rounded)


class _Record:
    """The generator's own double-entry record; a debit is positive."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.references: dict[str, list[str]] = {document_type: [] for document_type in DOCUMENT_TYPES}
        self.goods = GoodsRecord(scenario, self.references)
        self.sales = SalesRecord(scenario, self.goods, self.references)
        self.accounts = self.sales.accounts

    def post(self, debit: str, credit: str, amount: Fraction) -> None:
        self.accounts[debit] += amount
        self.accounts[credit] -= amount

    def buy(self, bought: StockBought) -> None:
        names = self.scenario.accounts
        self.post(
            names.inventory,
            names.opening_balance_equity,
            Fraction(bought.quantity) * Fraction(bought.unit_price_idr),
        )
        self.goods.buy(bought)

    def pay_out(self, payout: Payout) -> None:
        names = self.scenario.accounts
        outlet = None if payout.outlet_code is None else self.scenario.outlet(payout.outlet_code)
        bank = (outlet.payout_account if outlet else None) or names.payout
        self.post(bank, names.clearing, Fraction(payout.deposit_idr))
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
            receivables=sorted((half_up(owed) for owed in self.sales.owed_by.values() if half_up(owed)), reverse=True),
            customers=self._customers(),
            invoices=self.sales.statuses(),
            stock={
                warehouse: {sku: _plain(quantity) for sku, quantity in sorted(pieces.items())}
                for warehouse, pieces in self.goods.stock.items()
            },
            in_transit={sku: _plain(quantity) for sku, quantity in sorted(self.goods.in_transit.items())},
            documents={document_type: len(found) for document_type, found in self.references.items()},
            references=self.references,
            exact=dict(self.accounts),
        )

    def _customers(self) -> list[str]:
        known = {customer.customer_id: customer.external_customer_id for customer in self.scenario.customers}
        shared = self.scenario.mode.customer_ids
        return sorted((shared and known[identity]) or "" for identity in self.sales.customers)

    def _profit_and_loss(self) -> dict[str, Decimal]:
        names, scenario = self.scenario.accounts, self.scenario
        owed = {*scenario.liabilities.values()}
        places = {account for accounts in scenario.place_accounts.values() for account in accounts.values()}
        own = sorted({*scenario.sales_accounts.values()} - owed | places)
        income = (
            names.sales,
            *own,
            names.sales_discount,
            names.discounts_given,
            names.sales_return,
            names.charges,
            names.shipping,
            names.rounding,
        )
        costs = (names.cost_of_sales, names.mdr, names.loss, names.stock_adjustment)
        moved = {account: -self.accounts[account] for account in income if account in self.accounts}
        moved |= {account: self.accounts[account] for account in costs if account in self.accounts}
        return {account: half_up(amount) for account, amount in moved.items()}

    def _balances(self) -> dict[str, Decimal]:
        exact = {
            name: sign * self.accounts.get(account, Fraction(0))
            for name, (account, sign) in balance_accounts(self.scenario).items()
        }
        return {name: half_up(amount) for name, amount in exact.items() if amount or name != "goods_received"}


def balance_accounts(scenario: Scenario) -> dict[str, tuple[str, int]]:
    """Return the balances that are spoken of: name to account and sign, -1 where credit is positive.

    "receivables", "clearing", "tax" (of the store's own rate), "inventory", "bank:<account>" for the other Cash & Bank
    accounts, "goods_received"; where a shop has them "tax:<account>", "owed:<account>" and "stored_value_clearing".
    """
    names = scenario.accounts
    channels = {channel.account for channel in scenario.channels if channel.account}
    own = {outlet.payout_account for outlet in scenario.outlets if outlet.payout_account}
    money = {*scenario.gateway_accounts.values(), *scenario.type_accounts.values(), names.payout, *channels, *own}
    taxes = {account for _, account in scenario.taxes.values()} - {names.tax}
    balances = {
        "receivables": (names.receivables, 1),
        "clearing": (names.clearing, 1),
        "tax": (names.tax, -1),
        "inventory": (names.inventory, 1),
        **{f"bank:{bank}": (bank, 1) for bank in sorted(money - {names.clearing})},
        "goods_received": (names.goods_received, -1),
        **{f"tax:{account}": (account, -1) for account in sorted(taxes)},
        **{f"owed:{account}": (account, -1) for account in sorted({*scenario.liabilities.values()})},
    }
    return balances | ({"stored_value_clearing": (names.stored_value_clearing, 1)} if scenario.liabilities else {})


def _plain(quantity: Fraction) -> Decimal:
    return Decimal(quantity.numerator) / Decimal(quantity.denominator)
