"""Stock actions of every kind: cancelled and rejected goods, suppliers, stock taking, adjustments."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Product, Scenario
from ops.sandbox.traffic_calendar import moment
from ops.sandbox.traffic_events import (
    CountedPiece,
    Event,
    Piece,
    PricedPiece,
    StockAdjusted,
    StockCounted,
    SupplierDelivered,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)

# iSeller makes the return by itself, a moment after goods were cancelled.
_RETURN_AFTER = timedelta(seconds=5)
_REASONS = ("damaged", "expired", "found")
Days = tuple[date, date, date]
Pieces = tuple[Piece, ...]


def make_stock_events(scenario: Scenario, seed: int, days: Days) -> list[Event]:
    """Return what `make_transfers` leaves out; every transfer is decided on to the last piece but one."""
    making = _Making(scenario, Dice(seed, "stock"), days)
    return [*making.transfers(), *making.suppliers(), *making.corrections()]


class _Making:
    def __init__(self, scenario: Scenario, dice: Dice, days: Days) -> None:
        self._scenario = scenario
        self._dice = dice
        self._days = days
        self._main, self._branch = (outlet.code for outlet in scenario.outlets)
        self._numbers = 0

    def transfers(self) -> list[Event]:
        return [*self._decided_each_way(), *self._cancelled_whole(), *self._rejected_rest(), *self._left_in_transit()]

    def _decided_each_way(self) -> list[Event]:
        """Return one with some of each accepted, sent back and thrown away; the rest is accepted by one press."""
        first, second, _ = self._days
        started = self._started(self._main, self._branch, self._pieces(3, 8, 14), self._at(first, 12, 30))
        cancelled, rejected = _parts(started.pieces, 2), _parts(started.pieces[:2], 1)
        received = self._received(started, self._at(first, 15), _parts(started.pieces, 3), cancelled, rejected)
        rest = _left(started.pieces, received.pieces, cancelled, rejected)
        again = self._returned(started, received.at, cancelled)
        thrown_away = _parts(cancelled[:1], 1)
        return [
            started,
            received,
            self._received(started, self._at(first, 19), rest, remaining="Accept"),
            again,
            self._received(again, self._at(second, 9), _left(cancelled, thrown_away), rejected=thrown_away),
        ]

    def _cancelled_whole(self) -> list[Event]:
        """Return one that is sent back whole by one press, and arrives in two sessions."""
        _, second, today = self._days
        started = self._started(self._branch, self._main, self._pieces(2, 4, 9), self._at(second, 11))
        cancelled = self._received(started, self._at(second, 17), (), cancelled=started.pieces, remaining="Cancel")
        again = self._returned(started, cancelled.at, started.pieces)
        ones = _parts(again.pieces, 1)
        return [
            started,
            cancelled,
            again,
            self._received(again, self._at(today, 8), ones),
            self._received(again, self._at(today, 10), _left(again.pieces, ones)),
        ]

    def _rejected_rest(self) -> list[Event]:
        _, second, today = self._days
        started = self._started(self._main, self._branch, self._pieces(2, 5, 9), self._at(second, 14))
        some = _parts(started.pieces, 2)
        rest = _left(started.pieces, some)
        return [
            started,
            self._received(started, self._at(second, 16, 30), some),
            self._received(started, self._at(today, 9, 30), (), rejected=rest, remaining="Reject"),
        ]

    def _left_in_transit(self) -> list[Event]:
        """Return one that is on its way when the days end."""
        _, _, today = self._days
        started = self._started(self._branch, self._main, self._pieces(2, 3, 6), self._at(today, 16))
        return [started, self._received(started, self._at(today, 20), _parts(started.pieces, 1))]

    def suppliers(self) -> list[Event]:
        """Return deliveries to both outlets, one of them cancelled in part, and goods going back."""
        first, second, today = self._days
        cancelled = self._pieces(1, 2, 4)
        delivered = self._delivered(self._main, self._at(first, 10), cancelled, self._pieces(1, 1, 2))
        return [
            delivered,
            self._to_supplier(self._main, delivered.at + _RETURN_AFTER, cancelled, delivered.transfer_id),
            self._delivered(self._branch, self._at(today, 11), (), ()),
            self._to_supplier(self._branch, self._at(second, 13), self._pieces(2, 1, 4), None),
        ]

    def corrections(self) -> list[Event]:
        """Return stock taking at both outlets between sales, and adjustments in and out."""
        _, second, today = self._days
        return [
            self._counted(self._main, self._at(second, 12)),
            self._counted(self._branch, self._at(today, 14)),
            *(
                StockAdjusted(
                    at=self._at(day, 15, 45),
                    outlet_code=outlet_code,
                    reason=self._dice.pick(_REASONS),
                    pieces=tuple(
                        Piece(sku=product.sku, quantity=Decimal(self._dice.pick((-3, -2, -1, 1, 2))))
                        for product in self._products(2)
                    ),
                    **self._named("SA"),
                )
                for day in self._days
                for outlet_code in (self._main, self._branch)
            ),
        ]

    def _at(self, day: date, hour: int, minute: int = 0) -> datetime:
        return moment(self._scenario, day, hour * 60 + minute, self._dice.between(0, 49))

    def _products(self, count: int) -> Sequence[Product]:
        return self._dice.picks(self._scenario.products, count)

    def _pieces(self, count: int, low: int, high: int) -> Pieces:
        return tuple(
            Piece(sku=product.sku, quantity=Decimal(self._dice.between(low, high))) for product in self._products(count)
        )

    def _named(self, prefix: str) -> dict[str, str]:
        self._numbers += 1
        return {
            "transfer_id": self._dice.guid(),
            "transfer_number": f"{prefix}-{self._numbers:04d}",
            "inventory_adjustment_id": self._dice.guid(),
        }

    def _started(
        self, source: str, destination: str, pieces: Pieces, at: datetime, return_of: str | None = None
    ) -> TransferStarted:
        return TransferStarted(
            at=at,
            source_code=source,
            destination_code=destination,
            pieces=pieces,
            return_of=return_of,
            **self._named("TX"),
        )

    def _returned(self, started: TransferStarted, at: datetime, pieces: Pieces) -> TransferStarted:
        back, forth = started.destination_code, started.source_code
        return self._started(back, forth, pieces, at + _RETURN_AFTER, started.transfer_id)

    def _received(
        self,
        started: TransferStarted,
        at: datetime,
        pieces: Pieces,
        cancelled: Pieces = (),
        rejected: Pieces = (),
        remaining: Literal["Accept", "Cancel", "Reject"] | None = None,
    ) -> TransferReceived:
        return TransferReceived(
            at=at,
            transfer_id=started.transfer_id,
            inventory_adjustment_id=self._dice.guid(),
            pieces=pieces,
            cancelled=cancelled,
            rejected=rejected,
            remaining=remaining,
        )

    def _delivered(self, outlet_code: str, at: datetime, cancelled: Pieces, rejected: Pieces) -> SupplierDelivered:
        return SupplierDelivered(
            at=at,
            start_id=self._dice.guid(),
            outlet_code=outlet_code,
            pieces=tuple(
                PricedPiece(
                    sku=product.sku,
                    quantity=Decimal(self._dice.between(4, 19)),
                    price_idr=product.buy_prices_idr[0] + self._dice.between(-750, 750),
                )
                for product in self._products(3)
            ),
            cancelled=cancelled,
            rejected=rejected,
            **self._named("TI"),
        )

    def _to_supplier(self, outlet_code: str, at: datetime, pieces: Pieces, return_of: str | None) -> SupplierReturned:
        return SupplierReturned(at=at, outlet_code=outlet_code, pieces=pieces, return_of=return_of, **self._named("RS"))

    def _counted(self, outlet_code: str, at: datetime) -> StockCounted:
        counted = []
        for product in self._products(4):
            system = self._dice.between(20, 60)
            found = system + self._dice.between(-3, 2)
            counted.append(CountedPiece(sku=product.sku, counted=Decimal(found), system=Decimal(system)))
        return StockCounted(at=at, outlet_code=outlet_code, pieces=tuple(counted), **self._named("SO"))


def _parts(pieces: Pieces, quantity: int) -> Pieces:
    """Return so many of each."""
    return tuple(Piece(sku=piece.sku, quantity=Decimal(quantity)) for piece in pieces)


def _left(pieces: Pieces, *taken: Pieces) -> Pieces:
    """Return what is left of each, without those of which nothing is."""
    gone: dict[str, Decimal] = {}
    for piece in (piece for each in taken for piece in each):
        gone[piece.sku] = gone.get(piece.sku, Decimal(0)) + piece.quantity
    rest = ((piece.sku, piece.quantity - gone.get(piece.sku, Decimal(0))) for piece in pieces)
    return tuple(Piece(sku=sku, quantity=quantity) for sku, quantity in rest if quantity)
