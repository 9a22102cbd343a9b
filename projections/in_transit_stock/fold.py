"""Folds transfers into what is in transit: sent = received + returned + rejected + in transit, by transfer and SKU."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from eventstore.event import Fact
from eventstore.facts.registry import Meaning
from eventstore.facts.settings import SETTINGS_STREAM, SYNC_STREAM_PREFIX
from projections.changes.transfers import TransferState
from projections.document_fold import DOCUMENT_STATES, document_keys, tell
from projections.projection import NOTHING, Evolved, Row, States, Table

_ZERO = Decimal(0)


class InTransitRow(Row, frozen=True, kw_only=True):
    """One SKU of one transfer. Quantities in the product's unit."""

    key_fields: ClassVar[int] = 2

    transfer_id: str
    sku: str
    transfer_number: str
    source: str
    destination: str
    sent: Decimal
    received: Decimal
    returned: Decimal
    rejected: Decimal
    in_transit: Decimal
    updated: int


class InTransitStock:
    """The projection `in_transit_stock`; it equals the stock of Jurnal's warehouse "iSeller in Transit"."""

    name: ClassVar[str] = "in_transit_stock"
    state_type: ClassVar[Any] = DOCUMENT_STATES
    row_tables: ClassVar[Sequence[str]] = ("in_transit_stock",)
    tables: ClassVar[Sequence[Table]] = (Table(__package__, "save_in_transit", InTransitRow),)

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return settings, transfer, and what may wait for the fact."""
        return document_keys(fact, meaning) if _concerns(fact) else ()

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Write the quantities of every transfer that the fact touched and that is booked."""
        if not _concerns(fact):
            return NOTHING
        told = tell(states, fact, meaning)
        transfers = (each for each in told.documents.values() if isinstance(each, TransferState))
        rows = [row for transfer in transfers for row in _rows(transfer, fact.position)]
        return Evolved(told.states, rows)


def _concerns(fact: Fact) -> bool:
    return fact.stream_id.startswith(("transfer-", "product-", SETTINGS_STREAM, SYNC_STREAM_PREFIX))


def _rows(transfer: TransferState, position: int) -> list[InTransitRow]:
    # Goods that an automatic return brings back were never booked into transit a second time.
    if transfer.route != "outlets" or transfer.return_of:
        return []
    moved: dict[str, tuple[Decimal, Decimal, Decimal, Decimal]] = {}
    for action in transfer.moves():
        for goods in action.booked or ():
            sent, received, returned, rejected = moved.get(goods.sku, (_ZERO,) * 4)
            moved[goods.sku] = (
                (sent + goods.quantity, received, returned, rejected)
                if action.kind == "start"
                else (sent, received + goods.quantity, returned + goods.cancelled, rejected + goods.rejected)
            )
    return [
        InTransitRow(
            transfer_id=transfer.transfer_id,
            sku=sku,
            transfer_number=transfer.number,
            source=transfer.source_name,
            destination=transfer.destination_name,
            sent=sent,
            received=received,
            returned=returned,
            rejected=rejected,
            in_transit=sent - received - returned - rejected,
            updated=position,
        )
        for sku, (sent, received, returned, rejected) in sorted(moved.items())
    ]
