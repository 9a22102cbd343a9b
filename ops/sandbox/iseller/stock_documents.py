"""Stock actions as GetTransfer shows them; moments in UTC without an offset."""

from decimal import Decimal
from typing import Any, assert_never

from ops.sandbox.iseller.state import StockState, TransferState
from ops.sandbox.iseller.wire import amount, utc_text
from ops.sandbox.scenario import Outlet, Scenario
from ops.sandbox.traffic_events import (
    Piece,
    StockAdjusted,
    StockCounted,
    SupplierDelivered,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)

_NOTHING = Decimal(0)


def transfer_document(scenario: Scenario, state: TransferState, *, names_origin: bool) -> dict[str, Any]:
    """Return a Transfer Out to an outlet with its stock actions so far.

    `names_origin`: a return of cancelled goods names the transfer they are of.
    """
    started = state.started
    source, destination = scenario.outlet(started.source_code), scenario.outlet(started.destination_code)
    return {
        "transfer_id": started.transfer_id,
        "transfer_number": started.transfer_number,
        "type": "Out",
        "out_type": "To Outlet",
        "status": state.status,
        **_source(source),
        "destination_outlet_id": destination.outlet_id,
        "destination_outlet_code": destination.code,
        "destination_outlet_name": destination.name,
        "notes": None,
        **_origin(started.return_of, names_origin=names_origin),
        "created_date": utc_text(state.created_at),
        "modified_date": utc_text(state.modified_at),
        "inventory_adjustments": [
            _start(scenario, started),
            *(_receipt(scenario, receipt) for receipt in state.receipts),
        ],
    }


def stock_document(scenario: Scenario, state: StockState, *, names_origin: bool) -> dict[str, Any]:
    """Return goods from or to a supplier, stock taking, or an adjustment."""
    event = state.event
    return {
        "transfer_id": event.transfer_id,
        "transfer_number": event.transfer_number,
        "status": "Completed",
        **_source(scenario.outlet(event.outlet_code)),
        "created_date": utc_text(state.changed_at),
        "modified_date": utc_text(state.changed_at),
        **_stock_actions(scenario, state, names_origin=names_origin),
    }


def _stock_actions(scenario: Scenario, state: StockState, *, names_origin: bool) -> dict[str, Any]:
    event = state.event
    match event:
        case SupplierDelivered():
            return {"type": "In", "out_type": None, "inventory_adjustments": _delivery(scenario, event)}
        case SupplierReturned():
            lines = [_product(scenario, piece.sku) | {"quantity": amount(piece.quantity)} for piece in event.pieces]
            return {
                "type": "Out",
                "out_type": "Return Supplier",
                **_origin(event.return_of, names_origin=names_origin),
                "inventory_adjustments": [_action(event.inventory_adjustment_id, "Start", event.at, lines)],
            }
        case StockCounted():
            counts = [
                _product(scenario, piece.sku)
                | {"counted_quantity": amount(piece.counted), "system_quantity": amount(piece.system)}
                for piece in event.pieces
            ]
            return {
                "type": "Opname",
                "inventory_adjustments": [_action(event.inventory_adjustment_id, "Opname", event.at, counts)],
            }
        case StockAdjusted():
            lines = [_product(scenario, piece.sku) | {"quantity": amount(piece.quantity)} for piece in event.pieces]
            action = _action(event.inventory_adjustment_id, "Adjustment", event.at, lines)
            return {"type": "Adjustment", "inventory_adjustments": [action | {"reason": event.reason}]}
        case _:
            assert_never(event)


def _delivery(scenario: Scenario, event: SupplierDelivered) -> list[dict[str, Any]]:
    """Return the start, which tells the purchase prices, and the receipt, which does not."""
    refused = [*event.cancelled, *event.rejected]
    sent = [Piece(sku=piece.sku, quantity=piece.quantity) for piece in event.pieces] + refused
    prices = {piece.sku: piece.price_idr for piece in event.pieces}
    started = [
        _product(scenario, sku)
        | {
            "quantity": amount(sum((piece.quantity for piece in sent if piece.sku == sku), _NOTHING)),
            "buying_price": amount(prices.get(sku, scenario.product(sku).buy_prices_idr[0])),
        }
        for sku in dict.fromkeys(piece.sku for piece in sent)
    ]
    accepted = tuple(Piece(sku=piece.sku, quantity=piece.quantity) for piece in event.pieces)
    decided = _decisions(scenario, accepted, event.cancelled, event.rejected)
    return [
        _action(event.start_id, "Start", event.at, started),
        _action(event.inventory_adjustment_id, "Accept", event.at, decided),
    ]


def _start(scenario: Scenario, started: TransferStarted) -> dict[str, Any]:
    lines = [
        _product(scenario, piece.sku)
        | {
            "quantity": amount(piece.quantity),
            "buying_price": amount(scenario.product(piece.sku).buy_prices_idr[0]),
        }
        for piece in started.pieces
    ]
    return _action(started.inventory_adjustment_id, "Start", started.at, lines)


def _receipt(scenario: Scenario, receipt: TransferReceived) -> dict[str, Any]:
    """Return one session; a decision on all that remains shows no goods."""
    if receipt.remaining is not None:
        return _action(receipt.inventory_adjustment_id, receipt.remaining, receipt.at, None)
    lines = _decisions(scenario, receipt.pieces, receipt.cancelled, receipt.rejected)
    return _action(receipt.inventory_adjustment_id, "Accept", receipt.at, lines)


def _decisions(
    scenario: Scenario, accepted: tuple[Piece, ...], cancelled: tuple[Piece, ...], rejected: tuple[Piece, ...]
) -> list[dict[str, Any]]:
    decided = {"accepted_quantity": accepted, "cancelled_quantity": cancelled, "rejected_quantity": rejected}
    skus = dict.fromkeys(piece.sku for pieces in decided.values() for piece in pieces)
    return [
        _product(scenario, sku)
        | {
            name: amount(sum((piece.quantity for piece in pieces if piece.sku == sku), _NOTHING))
            for name, pieces in decided.items()
        }
        for sku in skus
    ]


def _action(action_id: str, name: str, at: Any, lines: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"inventory_adjustment_id": action_id, "action": name, "date": utc_text(at), "items": lines}


def _origin(return_of: str | None, *, names_origin: bool) -> dict[str, Any]:
    return {"reference_transfer_id": return_of} if names_origin and return_of is not None else {}


def _source(outlet: Outlet) -> dict[str, Any]:
    return {"outlet_id": outlet.outlet_id, "outlet_code": outlet.code, "outlet_name": outlet.name}


def _product(scenario: Scenario, sku: str) -> dict[str, Any]:
    product = scenario.product(sku)
    return {"product_id": product.product_id, "sku": sku, "product_name": product.name}
