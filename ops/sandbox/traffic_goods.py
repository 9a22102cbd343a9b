"""Goods: transfers between the outlets, and the buys that keep both in stock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_afterwards import OrderEdited
from ops.sandbox.traffic_calendar import moment
from ops.sandbox.traffic_events import (
    Event,
    OrderCompleted,
    Piece,
    StockAdjusted,
    StockBought,
    StockCounted,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)
from ops.sandbox.traffic_order import Order, OrderLine

FIRST_TRANSFER_PIECES = Decimal(5)
_FIRST_TRANSFER_MINUTE = 5 * 60 + 30
_BUY_MINUTE = 5 * 60 + 40


def make_transfers(scenario: Scenario, seed: int, days: tuple[date, date, date]) -> list[Event]:
    """Return starts and receipts; the first start is 5 pieces of one SKU, and all goods are accepted in the end."""
    dice = Dice(seed, "transfers")
    main, branch = (outlet.code for outlet in scenario.outlets)
    first_day, second_day, today = days
    several = [
        [Piece(sku=product.sku, quantity=Decimal(dice.between(3, 12))) for product in dice.picks(scenario.products, 3)]
        for _ in range(4)
    ]
    five = [Piece(sku=scenario.products[0].sku, quantity=FIRST_TRANSFER_PIECES)]
    plans: tuple[tuple[str, str, list[Piece], tuple[date, int], tuple[tuple[date, int], ...]], ...] = (
        (main, branch, five, (first_day, _FIRST_TRANSFER_MINUTE), ((first_day, 7 * 60 + 35),)),
        (main, branch, several[0], (first_day, 11 * 60), ((first_day, 16 * 60), (second_day, 9 * 60 + 10))),
        (branch, main, several[1], (second_day, 10 * 60), ((second_day, 18 * 60),)),
        # Started on one local date and received on the next, in three sessions.
        (main, branch, several[2], (second_day, 23 * 60 + 20), ((today, 6 * 60), (today, 12 * 60), (today, 15 * 60))),
        (branch, main, several[3], (today, 9 * 60), ((today, 13 * 60), (today, 21 * 60))),
    )
    events: list[Event] = []
    for number, (source, destination, pieces, start, receipts) in enumerate(plans, start=1):
        started = TransferStarted(
            at=moment(scenario, *start),
            transfer_id=dice.guid(),
            transfer_number=f"TO-{number:04d}",
            inventory_adjustment_id=dice.guid(),
            source_code=source,
            destination_code=destination,
            pieces=tuple(pieces),
        )
        events.append(started)
        events.extend(_receipts(dice, started, [moment(scenario, *receipt) for receipt in receipts]))
    return events


def _receipts(dice: Dice, started: TransferStarted, moments: list[datetime]) -> list[TransferReceived]:
    remaining = {piece.sku: piece.quantity for piece in started.pieces}
    receipts = []
    for sessions_left, at in zip(range(len(moments), 0, -1), moments, strict=True):
        accepted = {sku: (quantity / sessions_left).__floor__() for sku, quantity in remaining.items()}
        pieces = tuple(Piece(sku=sku, quantity=Decimal(quantity)) for sku, quantity in accepted.items() if quantity)
        receipts.append(
            TransferReceived(at=at, transfer_id=started.transfer_id, inventory_adjustment_id=dice.guid(), pieces=pieces)
        )
        for sku, quantity in accepted.items():
            remaining[sku] -= quantity
    return receipts


def make_buys(scenario: Scenario, seed: int, days: tuple[date, date, date], events: list[Event]) -> list[StockBought]:
    """Return the opening stock (four days before today, enough for all that leaves) and one buy per SKU and day."""
    dice = Dice(seed, "buys")
    leaving = _pieces_leaving(scenario, events)
    opening_day = days[-1] - timedelta(days=4)
    buys = [
        _buy(scenario, (opening_day, 12 * 60), place, sku, (leaving[place[1], sku] + dice.between(3, 15), 0))
        for place in _places(scenario)
        for sku in (product.sku for product in scenario.products)
    ]
    for price_index, day in enumerate(days, start=1):
        for product_index, product in enumerate(scenario.products):
            outlet = scenario.outlets[(product_index + price_index) % 2]
            quantity = dice.between(7, 31)
            place = (outlet.code, outlet.warehouse)
            buys.append(_buy(scenario, (day, _BUY_MINUTE), place, product.sku, (quantity, price_index)))
    return buys


def sold_goods(scenario: Scenario, lines: Iterable[OrderLine]) -> list[tuple[str, Decimal]]:
    """Return what order lines take from stock: the goods themselves, or the parts they are made of."""
    goods = [(line.sku.strip(), line.quantity) for line in lines if scenario.product(line.sku).in_stock]
    return goods + [(part.sku, part.quantity * line.quantity) for line in lines for part in line.parts]


def warehouse_of(scenario: Scenario, order: Order) -> str:
    """Return the warehouse an order is sold from: its channel's, if that is mapped by itself, else its outlet's."""
    channel = scenario.channel(order.channel, order.channel_detail)
    return scenario.outlet(order.outlet_code).warehouse if channel is None else channel.warehouse


def _places(scenario: Scenario) -> list[tuple[str, str]]:
    """Return outlet and warehouse of everywhere that goods are sold from."""
    places = [(outlet.code, outlet.warehouse) for outlet in scenario.outlets]
    channels = [(channel.outlet_code, channel.warehouse) for channel in scenario.channels]
    known = {warehouse for _, warehouse in places}
    return places + [place for place in channels if place[1] not in known]


def _buy(
    scenario: Scenario, when: tuple[date, int], place: tuple[str, str], sku: str, quantity_and_price: tuple[int, int]
) -> StockBought:
    quantity, price_index = quantity_and_price
    return StockBought(
        at=moment(scenario, *when),
        date=when[0],
        sku=sku,
        outlet_code=place[0],
        warehouse=place[1],
        quantity=Decimal(quantity),
        unit_price_idr=scenario.product(sku).buy_prices_idr[price_index],
    )


def _pieces_leaving(scenario: Scenario, events: list[Event]) -> dict[tuple[str, str], int]:
    """Return what leaves each warehouse, by warehouse and SKU, in whole units."""
    leaving: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    destinations = {event.transfer_id: event.destination_code for event in events if isinstance(event, TransferStarted)}
    for event in events:
        warehouse, pieces = _leaving(scenario, event, destinations)
        for sku, quantity in pieces:
            leaving[warehouse, sku] += max(Decimal(0), quantity)
    return defaultdict(int, {place: ceil(quantity) for place, quantity in leaving.items()})


def _leaving(
    scenario: Scenario, event: Event, destinations: Mapping[str, str]
) -> tuple[str, list[tuple[str, Decimal]]]:
    """Return the warehouse an event takes goods from, and which; a negative quantity comes in."""
    match event:
        case OrderCompleted(order=order) | OrderEdited(order=order):
            return warehouse_of(scenario, order), sold_goods(scenario, order.lines)
        case TransferStarted(pieces=pieces):
            code, gone = event.source_code, [(piece.sku, piece.quantity) for piece in pieces]
        case TransferReceived(rejected=pieces):
            # Goods of an automatic return are thrown away where they came back to.
            code, gone = destinations[event.transfer_id], [(piece.sku, piece.quantity) for piece in pieces]
        case SupplierReturned(pieces=pieces):
            code, gone = event.outlet_code, [(piece.sku, piece.quantity) for piece in pieces]
        case StockAdjusted(pieces=pieces):
            code, gone = event.outlet_code, [(piece.sku, -piece.quantity) for piece in pieces]
        case StockCounted():
            code, gone = event.outlet_code, [(piece.sku, piece.system - piece.counted) for piece in event.pieces]
        case _:
            return "", []
    return scenario.outlet(code).warehouse, gone
