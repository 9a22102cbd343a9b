"""Where the goods must stand, and what they are worth, from the generator's own events and the written rules alone."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from ops.sandbox.expected_valuation import Movement
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_calendar import local_date
from ops.sandbox.traffic_events import (
    Piece,
    StockAdjusted,
    StockBought,
    StockCounted,
    StockEvent,
    SupplierDelivered,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)


class GoodsRecord:
    """Stock by warehouse and SKU, goods in transit, and the movements of worth of every SKU.

    A transfer that brings back cancelled goods is none: the cancellation itself moved them home. What is thrown away
    when they arrive is thrown away there. Cancelled goods of a supplier never came in, so none go back. `references`
    is filled by type of document.
    """

    def __init__(self, scenario: Scenario, references: dict[str, list[str]]) -> None:
        self._scenario = scenario
        self._references = references
        self._started: dict[str, TransferStarted] = {}
        self.movements: dict[str, list[Movement]] = defaultdict(list)
        warehouses = [outlet.warehouse for outlet in (*scenario.outlets, *scenario.later_outlets)]
        warehouses += [channel.warehouse for channel in scenario.channels]
        self.stock: dict[str, dict[str, Fraction]] = {name: defaultdict(Fraction) for name in warehouses}
        self.in_transit: dict[str, Fraction] = defaultdict(Fraction)
        self.received_value = Fraction(0)

    def buy(self, bought: StockBought) -> None:
        """Take priced goods in."""
        quantity, price = Fraction(bought.quantity), Fraction(bought.unit_price_idr)
        self.movements[bought.sku].append(Movement(date=bought.date, quantity=quantity, unit_price=price))
        self.stock[bought.warehouse][bought.sku] += quantity

    def sell(self, day: date, warehouse: str, sku: str, quantity: Fraction) -> None:
        """Let goods go to cost of sales, or (below zero) come back from it."""
        self.movements[sku].append(Movement(date=day, quantity=quantity, unit_price=None))
        self.stock[warehouse][sku] -= quantity

    def waste(self, day: date, sku: str, quantity: Fraction) -> None:
        """Let goods that were sold be waste instead."""
        loss = self._scenario.accounts.loss
        self.movements[sku].append(Movement(date=day, quantity=-quantity, unit_price=None))
        self.movements[sku].append(Movement(date=day, quantity=quantity, unit_price=None, account=loss))

    def transfer(self, event: TransferStarted | TransferReceived) -> None:
        """Move goods between outlets."""
        if isinstance(event, TransferStarted):
            self._started[event.transfer_id] = event
            if event.return_of is None:
                self._send(event)
        elif self._started[event.transfer_id].return_of is None:
            self._receive(event)
        elif event.rejected:
            self._throw_away(event, self._warehouse(self._started[event.transfer_id].destination_code))

    def change(self, event: StockEvent) -> None:
        """Change one outlet's stock against an account."""
        names, warehouse = self._scenario.accounts, self._warehouse(event.outlet_code)
        match event:
            case SupplierDelivered():
                for bought in event.pieces:
                    quantity, price = Fraction(bought.quantity), Fraction(bought.price_idr)
                    self.stock[warehouse][bought.sku] += Fraction(quantity)
                    self.movements[bought.sku].append(
                        Movement(date=local_date(self._scenario, event.at), quantity=quantity, unit_price=price)
                    )
                    self.received_value += quantity * price
            case SupplierReturned():
                if event.return_of is not None:
                    return
                gone = [(piece.sku, piece.quantity) for piece in event.pieces]
                self._take_out(event.at, warehouse, gone, names.goods_received)
            case StockCounted():
                less = [(piece.sku, piece.system - piece.counted) for piece in event.pieces]
                if not any(quantity for _, quantity in less):
                    return
                self._take_out(event.at, warehouse, less, names.stock_adjustment)
            case StockAdjusted():
                less = [(piece.sku, -piece.quantity) for piece in event.pieces]
                self._take_out(event.at, warehouse, less, names.stock_adjustment)
        self._refer("stock_adjustment", event.inventory_adjustment_id)

    def _send(self, started: TransferStarted) -> None:
        for piece in started.pieces:
            self.stock[self._warehouse(started.source_code)][piece.sku] -= Fraction(piece.quantity)
            self.in_transit[piece.sku] += Fraction(piece.quantity)
        self._refer("warehouse_transfer", started.inventory_adjustment_id)

    def _receive(self, received: TransferReceived) -> None:
        started = self._started[received.transfer_id]
        for pieces, outlet_code, reference in (
            (received.pieces, started.destination_code, received.inventory_adjustment_id),
            (received.cancelled, started.source_code, f"{received.inventory_adjustment_id}.back"),
        ):
            self._leave_transit(pieces)
            for piece in pieces:
                self.stock[self._warehouse(outlet_code)][piece.sku] += Fraction(piece.quantity)
            if pieces:
                self._refer("warehouse_transfer", reference)
        if received.rejected:
            self._leave_transit(received.rejected)
            self._throw_away(received, None)

    def _leave_transit(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self.in_transit[piece.sku] -= Fraction(piece.quantity)

    def _throw_away(self, received: TransferReceived, warehouse: str | None) -> None:
        lost = [(piece.sku, piece.quantity) for piece in received.rejected]
        self._take_out(received.at, warehouse, lost, self._scenario.accounts.loss)
        self._refer("stock_adjustment", received.inventory_adjustment_id)

    def _take_out(
        self, at: datetime, warehouse: str | None, pieces: Iterable[tuple[str, Decimal]], account: str
    ) -> None:
        """Let goods go at their average onto an account; from no outlet's warehouse if they left transit."""
        for sku, quantity in pieces:
            if warehouse is not None:
                self.stock[warehouse][sku] -= Fraction(quantity)
            self.movements[sku].append(
                Movement(
                    date=local_date(self._scenario, at), quantity=Fraction(quantity), unit_price=None, account=account
                )
            )

    def _refer(self, document_type: str, reference: str) -> None:
        self._references.setdefault(document_type, []).append(reference)

    def _warehouse(self, outlet_code: str) -> str:
        return self._scenario.outlet(outlet_code).warehouse
