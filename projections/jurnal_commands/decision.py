"""What a decision may say: a command to send, a line of the Accounting Sync list without one, or its end."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from projections.changes.asked import Asked
from projections.jurnal_commands.commands import Command

RecordKind = Literal[
    "sale",
    "payment",
    "customer",
    "transfer_pending",
    "transfer_start",
    "transfer_receipt",
    "goods_received",
    "goods_returned",
    "stock_count",
    "stock_adjustment",
    "payout",
    "refund",
    "void",
    "change",
    "product",
    "duplicate",
    "unreadable",
]


class SyncRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One business document on its way to Jurnal, as the shopkeeper knows it. `amount` in IDR.

    `stream_id`: the stream of its document; empty where that is the lane of its command or the stream of the fact that
    makes it.
    """

    record_id: str
    kind: RecordKind
    reference: str
    stream_id: str = ""
    outlet: str | None = None
    business_date: date | None = None
    amount: Decimal | None = None


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A command decided on: sent after what stands before it in its lane, and after the commands it needs.

    `instead_of`: it takes the place of a command of the same identity, which Jurnal refused, or which was never sent
    because it stands behind such a one.
    """

    command_id: str
    command: Command
    lane: str
    record: SyncRecord
    needs: tuple[str, ...] = ()
    instead_of: Literal["", "refused", "unsent"] = ""


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to send, and why. `what_to_do` is for the shopkeeper."""

    record: SyncRecord
    state: Literal["held", "failed", "skipped"]
    reason: str
    what_to_do: str | None = None


class Superseded(msgspec.Struct, frozen=True, kw_only=True):
    """A command that ends because others take its place: Jurnal refused it, or it was never sent behind such a one.

    `is_last`: its record has no other command.
    """

    asked: Asked
    reason: str
    is_last: bool


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """The list shows this record no more: other records stand for its document now."""

    record: SyncRecord


Decision = Planned | Noted | Withdrawn


def of_stream(decisions: Sequence[Decision], stream_id: str) -> list[Decision]:
    """Return decisions about one document whose records say its stream: a fact of another stream made them."""
    return [
        msgspec.structs.replace(decision, record=msgspec.structs.replace(decision.record, stream_id=stream_id))
        for decision in decisions
    ]
