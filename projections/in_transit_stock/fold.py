"""Folds transfers into what is in transit: sent = received + returned + rejected + in transit, by transfer and SKU."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from eventstore.event import Fact
from eventstore.facts.registry import Meaning
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
        """Return settings and document."""
        del meaning
        return document_keys(fact) if fact.stream_id.startswith(("transfer-", "settings")) else ()

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Write the quantities of a transfer that is in scope."""
        if not fact.stream_id.startswith(("transfer-", "settings")):
            return NOTHING
        told = tell(states, fact, meaning)
        if isinstance(told.document, TransferState) and told.document.in_scope:
            return Evolved(told.states, _rows(told.document, fact.position))
        return Evolved(told.states, ())


def _rows(transfer: TransferState, position: int) -> list[InTransitRow]:
    assert transfer.started is not None
    sent: dict[str, Decimal] = {}
    decided: dict[str, list[Decimal]] = {}
    for goods in transfer.started.goods:
        sent[goods.sku] = sent.get(goods.sku, _ZERO) + goods.quantity
    for movement in transfer.received:
        for goods in movement.goods:
            totals = decided.setdefault(goods.sku, [_ZERO, _ZERO, _ZERO])
            for index, quantity in enumerate((goods.quantity, goods.cancelled, goods.rejected)):
                totals[index] += quantity
    rows = []
    for sku in sorted(sent.keys() | decided.keys()):
        received, returned, rejected = decided.get(sku, [_ZERO, _ZERO, _ZERO])
        rows.append(
            InTransitRow(
                transfer_id=transfer.transfer_id,
                sku=sku,
                transfer_number=transfer.number,
                source=transfer.source_name,
                destination=transfer.destination_name,
                sent=sent.get(sku, _ZERO),
                received=received,
                returned=returned,
                rejected=rejected,
                in_transit=sent.get(sku, _ZERO) - received - returned - rejected,
                updated=position,
            )
        )
    return rows
