"""What goes wrong on purpose: each is shown as failed with its reason, and then mended or seen to by a person."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Outlet, Product, Scenario
from ops.sandbox.scenario_everything import UNKNOWN_PRODUCT, UNMAPPED_TAX
from ops.sandbox.traffic_afterwards import PaymentReversed
from ops.sandbox.traffic_calendar import moment
from ops.sandbox.traffic_carts import Taxing, totalled
from ops.sandbox.traffic_events import Event, OrderCompleted, Piece, TransferReceived, TransferStarted
from ops.sandbox.traffic_order import Order, OrderLine, Payment
from ops.sandbox.traffic_tenders import CASH, CUSTOM, Tender, pays

Kind = Literal[
    "unmapped_payment_type",
    "unmapped_outlet",
    "unmapped_outlet_of_a_transfer",
    "unmapped_tax_rate",
    "unknown_product",
    "total_does_not_add_up",
    "over_receipt",
    "payment_reversed",
]
_WRONG_BY_IDR = Decimal(5_000)
Days = tuple[date, date, date]


class Intended(msgspec.Struct, frozen=True, kw_only=True):
    """One failure: the record it shows in, a part of its reason, and what is done about it.

    `set_up`: the missing mapping is made. `product`: the product is made in Jurnal, and the record retried. `skip`: a
    person has seen to it, for the reason `why`; what it stands for is not booked.
    """

    kind: Kind
    record_id: str
    reason: str
    mended_by: Literal["set_up", "product", "skip"]
    why: str = ""


def make_intended(scenario: Scenario, seed: int, days: Days) -> tuple[list[Event], tuple[Intended, ...]]:
    """Return the events that fail, and how each failure shows."""
    making = _Making(scenario, Dice(seed, "intended"), days)
    events: list[Event] = []
    failures: list[Intended] = []
    for make in making.all():
        made, intended = make()
        events += made
        failures += intended
    return events, tuple(failures)


def reversed_payments(events: list[Event]) -> tuple[Intended, ...]:
    """Return the payments that turned out to have failed: a person looks at each."""
    return tuple(
        Intended(
            kind="payment_reversed",
            record_id=f"reversed-{event.order_id}-{event.transaction_id}",
            reason="failed or void after it counted",
            mended_by="skip",
            why="The bank has paid it after all",
        )
        for event in events
        if isinstance(event, PaymentReversed)
    )


Made = tuple[list[Event], list[Intended]]


class _Making:
    def __init__(self, scenario: Scenario, dice: Dice, days: Days) -> None:
        self._scenario = scenario
        self._dice = dice
        self._days = days
        self._main, self._branch = scenario.outlets
        (self._kiosk,) = scenario.later_outlets
        self._numbers = 0

    def all(self) -> tuple[Callable[[], Made], ...]:
        return (
            self._payment_type,
            self._tax_rate,
            self._product,
            self._total,
            self._outlet,
            self._transfer,
            self._over_receipt,
        )

    def _payment_type(self) -> Made:
        (unmapped,) = self._scenario.later_types
        order = self._order(self._main, self._some(), Tender(CUSTOM, unmapped))
        record_id = f"payment-{order.order_id}-{order.payments[0].transaction_id}"
        return self._completed(order, "unmapped_payment_type", record_id, unmapped, "set_up")

    def _tax_rate(self) -> Made:
        line = msgspec.structs.replace(self._line(self._scenario.product("KN-CANGKIR")), tax_percentage=UNMAPPED_TAX)
        order = self._order(self._main, line, CASH)
        return self._completed(order, "unmapped_tax_rate", f"sale-{order.order_id}", f"{UNMAPPED_TAX} %", "set_up")

    def _product(self) -> Made:
        order = self._order(self._branch, self._line(UNKNOWN_PRODUCT), CASH)
        return self._completed(
            order, "unknown_product", f"sale-{order.order_id}", UNKNOWN_PRODUCT.sku, "product", "It is in Jurnal now"
        )

    def _total(self) -> Made:
        order = self._order(self._main, self._some(), CASH)
        total = order.total_idr + _WRONG_BY_IDR
        paid = tuple(msgspec.structs.replace(payment, amount_idr=total) for payment in order.payments)
        wrong = msgspec.structs.replace(order, total_idr=total, payments=paid)
        return self._completed(
            wrong,
            "total_does_not_add_up",
            f"sale-{order.order_id}",
            f"{total:f}",
            "skip",
            "A test of the till; nothing was sold",
        )

    def _outlet(self) -> Made:
        order = self._order(self._kiosk, self._some(), CASH)
        return self._completed(order, "unmapped_outlet", f"sale-{order.order_id}", self._kiosk.name, "set_up")

    def _transfer(self) -> Made:
        """Return goods for an outlet that is not mapped; they arrive whole."""
        started = self._started(self._kiosk)
        failure = Intended(
            kind="unmapped_outlet_of_a_transfer",
            record_id=f"transfer-{started.inventory_adjustment_id}",
            reason=self._kiosk.name,
            mended_by="set_up",
        )
        return [started, self._received(started, started.pieces)], [failure]

    def _over_receipt(self) -> Made:
        """Return goods of which more arrive than were sent; they stay in transit."""
        started = self._started(self._branch)
        (sent,) = started.pieces
        received = self._received(started, (Piece(sku=sent.sku, quantity=sent.quantity + 2),))
        failure = Intended(
            kind="over_receipt",
            record_id=f"transfer-{received.inventory_adjustment_id}",
            reason="are in transit",
            mended_by="skip",
            why="The goods are being counted again",
        )
        return [started, received], [failure]

    def _completed(
        self,
        order: Order,
        kind: Kind,
        record_id: str,
        reason: str,
        mended_by: Literal["set_up", "product", "skip"],
        why: str = "",
    ) -> Made:
        failure = Intended(kind=kind, record_id=record_id, reason=reason, mended_by=mended_by, why=why)
        return [OrderCompleted(at=order.at, order=order)], [failure]

    def _started(self, destination: Outlet) -> TransferStarted:
        self._numbers += 1
        product = self._dice.pick(self._scenario.products[:6])
        return TransferStarted(
            at=self._at(self._days[1], 8),
            transfer_id=self._dice.guid(),
            transfer_number=f"TF-{self._numbers:04d}",
            inventory_adjustment_id=self._dice.guid(),
            source_code=self._main.code,
            destination_code=destination.code,
            pieces=(Piece(sku=product.sku, quantity=Decimal(self._dice.between(2, 6))),),
        )

    def _received(self, started: TransferStarted, pieces: tuple[Piece, ...]) -> TransferReceived:
        return TransferReceived(
            at=self._at(self._days[1], 10),
            transfer_id=started.transfer_id,
            inventory_adjustment_id=self._dice.guid(),
            pieces=pieces,
        )

    def _some(self) -> OrderLine:
        return self._line(self._dice.pick([each for each in self._scenario.products if each.kind == "standard"]))

    def _line(self, product: Product) -> OrderLine:
        return OrderLine(
            order_detail_id=self._dice.guid(),
            sku=product.sku,
            quantity=Decimal(self._dice.between(1, 4)),
            price_idr=product.price_idr,
            discount_idr=Decimal(0),
            discount_percentage=Decimal(0),
            taxable=product.taxable,
            tax_idr=Decimal(0),
            tax_percentage=product.tax_percentage,
        )

    def _order(self, outlet: Outlet, line: OrderLine, tender: Tender) -> Order:
        self._numbers += 1
        basket = totalled((line,), Taxing.at(self._scenario, outlet, online=False))
        at = self._at(self._dice.pick(self._days), self._dice.between(9, 20))
        payment: Payment = pays(self._dice, tender, basket.total_idr, at)
        return Order(
            order_id=self._dice.guid(),
            order_reference=f"#{outlet.register_number}-9{self._numbers:03d}",
            channel="pos",
            outlet_code=outlet.code,
            at=at,
            customer_id=None,
            on_account=False,
            lines=basket.lines,
            order_discount_idr=Decimal(0),
            order_promotion_idr=Decimal(0),
            rounding_idr=basket.rounding_idr,
            total_idr=basket.total_idr,
            fulfilled=True,
            payments=(payment,),
            tax_inclusive=outlet.tax_inclusive,
        )

    def _at(self, day: date, hour: int) -> datetime:
        return moment(self._scenario, day, hour * 60, self._dice.between(0, 59))
