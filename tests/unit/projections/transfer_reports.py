"""Transfers as a made-up iSeller reports them, and what was asked of Jurnal for them."""

from typing import Any

from projections.jurnal_commands.commands import AdjustStock, TransferStock
from tests.story import Story

OUT = ("Main Warehouse", "iSeller in Transit", {"LATTE": 5, "MOCHA": 2})
INTO = ("iSeller in Transit", "Branch Warehouse")
BACK = ("iSeller in Transit", "Main Warehouse")


def act(identity: str, action: str, day: int, *items: dict[str, Any]) -> dict[str, Any]:
    """Return a stock action at 02:00 UTC of a day in November."""
    return {
        "inventory_adjustment_id": identity,
        "action": action,
        "date": f"2026-11-{day:02}T02:00:00",
        "items": list(items) or None,
    }


def sent(sku: str, quantity: object, **fields: object) -> dict[str, Any]:
    """Return one line of a start or an adjustment."""
    return {"sku": sku, "quantity": quantity, **fields}


def decided(
    sku: str, accepted: object, *, cancelled: object = 0, rejected: object = 0, **fields: object
) -> dict[str, Any]:
    """Return one line of a receipt."""
    quantities = {"accepted_quantity": accepted, "cancelled_quantity": cancelled, "rejected_quantity": rejected}
    return {"sku": sku, **quantities, **fields}


START = act("a0", "Start", 20, sent("LATTE", 5), sent("MOCHA", 2))


def receipt(identity: str, *items: dict[str, Any], day: int | None = None) -> dict[str, Any]:
    """Return an Accept; a1 happens on the 21st, a2 on the 22nd and so on."""
    return act(identity, "Accept", day or 20 + int(identity[-1]), *items)


def transfer(*actions: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return a transfer from the main outlet to the branch with these stock actions."""
    return {
        "transfer_id": "transfer-1",
        "transfer_number": "TO-1",
        "type": "Out",
        "out_type": "To Outlet",
        "outlet_id": "main",
        "outlet_name": "Main Outlet",
        "destination_outlet_id": "branch",
        "destination_outlet_name": "Branch",
        "inventory_adjustments": list(actions),
        **fields,
    }


def home(*actions: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return a transfer the other way, as iSeller makes one by itself for cancelled goods."""
    fields = {"transfer_id": "transfer-2", "transfer_number": "TO-2", **fields}
    return transfer(
        *actions,
        **{
            "outlet_id": "branch",
            "outlet_name": "Branch",
            "destination_outlet_id": "main",
            "destination_outlet_name": "Main Outlet",
            **fields,
        },
    )


def delivery(*actions: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return goods from a supplier for the main outlet."""
    ends = {"destination_outlet_id": None, "destination_outlet_name": None, "out_type": None}
    return transfer(*actions, **{"transfer_number": "TI-1", "type": "In", **ends, **fields})


def to_supplier(*actions: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return goods that go from the main outlet to a supplier."""
    ends = {"destination_outlet_id": None, "destination_outlet_name": None, "out_type": "Return Supplier"}
    return transfer(*actions, **{"transfer_id": "transfer-3", "transfer_number": "RS-1", **ends, **fields})


def correction(*actions: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return a count or an adjustment at the main outlet."""
    ends = {"destination_outlet_id": None, "destination_outlet_name": None, "out_type": None}
    return transfer(
        *actions, **{"transfer_id": "count-1", "transfer_number": "SO-1", "type": "Opname", **ends, **fields}
    )


def legs(story: Story) -> list[tuple[str, str, dict[str, int]]]:
    """Return from, to and quantities of every move asked for, in order."""
    return [
        (
            command.from_warehouse,
            command.to_warehouse,
            {part.product_code: int(part.quantity) for part in command.lines},
        )
        for command in story.commands
        if isinstance(command, TransferStock)
    ]


def changes(story: Story) -> list[tuple[str, str, dict[str, int]]]:
    """Return warehouse, account and quantities of every stock adjustment asked for, in order."""
    told = []
    for command in story.commands:
        if isinstance(command, AdjustStock):
            sums: dict[str, int] = {}
            for line in command.lines:
                sums[line.product_code] = sums.get(line.product_code, 0) + int(line.quantity)
            told.append((command.warehouse, command.account, sums))
    return told


def stock(story: Story) -> dict[tuple[str, str], int]:
    """Return what all commands together change, by warehouse and SKU, without what comes to nothing."""
    moved: dict[tuple[str, str], int] = {}
    for source, target, quantities in legs(story):
        for sku, quantity in quantities.items():
            moved[source, sku] = moved.get((source, sku), 0) - quantity
            moved[target, sku] = moved.get((target, sku), 0) + quantity
    for warehouse, _, quantities in changes(story):
        for sku, quantity in quantities.items():
            moved[warehouse, sku] = moved.get((warehouse, sku), 0) + quantity
    return {place: quantity for place, quantity in moved.items() if quantity}
