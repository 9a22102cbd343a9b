"""Stock actions (GetTransfer): transfers, goods from and to suppliers, counts, adjustments.

The body is undocumented; the field names are our reading. What iSeller documents: one object holds a list of stock
actions, whose lines differ for Accept and for Start, Adjustment and Opname.
"""

from decimal import Decimal

import msgspec

from eventstore.facts.reports.kind import ReportKind, prefixed
from eventstore.personal import ClearPaths


class TransferLine(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of one action.

    Start: `quantity`. Accept: accepted, cancelled, rejected. Adjustment: `quantity`, negative for goods out.
    Opname: `counted_quantity` and `system_quantity`, or their `difference`. `buying_price` in IDR a unit.
    """

    product_id: str | None = None
    sku: str | None = None
    product_name: str | None = None
    quantity: Decimal | None = None
    buying_price: Decimal | None = None
    accepted_quantity: Decimal | None = None
    cancelled_quantity: Decimal | None = None
    rejected_quantity: Decimal | None = None
    counted_quantity: Decimal | None = None
    system_quantity: Decimal | None = None
    difference: Decimal | None = None


class InventoryAdjustment(msgspec.Struct, frozen=True, kw_only=True):
    """One stock action: Start, Accept, Cancel, Reject, Adjustment or Opname. `date` UTC.

    Accept, Cancel and Reject without `items` are the forms "all remaining".
    """

    inventory_adjustment_id: str | None = None
    action: str | None = None
    date: str | None = None
    items: tuple[TransferLine, ...] | None = None


class TransferReport(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer as reported. `outlet_*` is the source, or the only outlet. `created_date` UTC.

    `reference_transfer_id` (our reading): the transfer whose cancellation made iSeller create this one.
    """

    transfer_id: str
    transfer_number: str | None = None
    type: str | None = None
    out_type: str | None = None
    status: str | None = None
    created_date: str | msgspec.UnsetType | None = msgspec.UNSET
    outlet_id: str | None = None
    outlet_name: str | None = None
    destination_outlet_id: str | None = None
    destination_outlet_name: str | None = None
    reference_transfer_id: str | None = None
    inventory_adjustments: tuple[InventoryAdjustment, ...] | None = None


_LINE = (
    "product_id", "sku", "product_name", "variant_name", "quantity", "buying_price", "accepted_quantity",
    "cancelled_quantity", "rejected_quantity", "counted_quantity", "system_quantity", "difference",
)  # fmt: skip

TRANSFER = ReportKind(
    name="transfer",
    fact_type="TransferReported",
    schema_version=1,
    struct=TransferReport,
    id_field="transfer_id",
    stream_prefix="transfer-",
    clear=ClearPaths(
        "transfer_id", "transfer_number", "type", "out_type", "status", "outlet_id", "outlet_code", "outlet_name",
        "destination_outlet_id", "destination_outlet_code", "destination_outlet_name", "created_date", "modified_date",
        "reference_transfer_id",
        *prefixed("inventory_adjustments", "inventory_adjustment_id", "action", "date"),
        *prefixed("inventory_adjustments.items", *_LINE),
    ),
)  # fmt: skip
