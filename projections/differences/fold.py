"""Folds what was found in a comparison into one row a difference: open until it is found no more."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, assert_never

import msgspec

from eventstore.event import Fact
from eventstore.facts.reconciliation import (
    CreditFoundUsedDifferently,
    DecidedFact,
    DifferenceAccepted,
    DifferenceFact,
    DifferenceResolved,
    DocumentFoundAltered,
    DocumentFoundMissing,
    DocumentFoundTwice,
    DocumentFoundUnknown,
    DocumentResendRequested,
    DuplicateDeletionRequested,
    InvoiceFoundPaidDifferently,
)
from eventstore.facts.registry import Meaning
from projections.projection import NOTHING, Evolved, Row, States, Table

_Told = DifferenceFact | DifferenceResolved | DecidedFact


class DifferenceRow(Row, frozen=True, kw_only=True):
    """One difference; amounts in IDR. `found_at`, `resolved_at`, `repair_at`, `accepted_at`: positions, 0 for none."""

    difference_id: str
    kind: str
    resource: str
    command_id: str
    jurnal_id: int
    kept_id: int
    transaction_no: str
    business_date: date
    ledger_amount: Decimal | None
    jurnal_amount: Decimal | None
    detail: str
    repair: str
    found_at: int
    found_on: datetime
    resolved_at: int
    repair_at: int
    accepted_at: int = 0
    accepted_by: str = ""
    accepted_reason: str = ""


class KnownDifference(msgspec.Struct, frozen=True, tag="difference"):
    """A difference as it stands."""

    row: DifferenceRow


class Differences:
    """The projection `differences`."""

    name: ClassVar[str] = "differences"
    state_type: ClassVar[Any] = KnownDifference
    row_tables: ClassVar[Sequence[str]] = ("difference",)
    tables: ClassVar[Sequence[Table]] = (Table(__package__, "save_differences", DifferenceRow),)

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return the difference that a fact is about."""
        del fact
        return (_id(meaning),) if isinstance(meaning, _Told) else ()

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Open, change or close a difference."""
        if not isinstance(meaning, _Told):
            return NOTHING
        known = states.get(_id(meaning))
        assert known is None or isinstance(known, KnownDifference)
        row = _row(known.row if known is not None else None, fact, meaning)
        return NOTHING if row is None else Evolved({row.difference_id: KnownDifference(row)}, (row,))


def _id(told: _Told) -> str:
    if isinstance(told, DifferenceFact):
        return told.document.difference_id
    return told.difference_id


def _row(known: DifferenceRow | None, fact: Fact, told: _Told) -> DifferenceRow | None:
    """Return the row after a fact; None where nothing is known that it could be about."""
    match told:
        case DifferenceResolved():
            return known and msgspec.structs.replace(known, resolved_at=fact.position)
        case DuplicateDeletionRequested() | DocumentResendRequested():
            return known and msgspec.structs.replace(known, repair_at=fact.position)
        case DifferenceAccepted():
            return known and _accepted(known, told, fact.position)
        case _:
            return row_of(told, fact.position, fact.recorded_at)


def _accepted(known: DifferenceRow, told: DifferenceAccepted, position: int) -> DifferenceRow | None:
    """Return the row as accepted; None where it is not what the person saw any more."""
    if known.found_at != told.found_at or known.resolved_at or known.repair_at:
        return None
    return msgspec.structs.replace(known, accepted_at=position, accepted_by=told.actor, accepted_reason=told.reason)


def row_of(told: DifferenceFact, found_at: int, found_on: datetime) -> DifferenceRow:
    """Return the row of a finding; what was decided of one before it counts no more."""
    kept_id = 0
    details: tuple[str, ...] = ()
    match told:
        case DocumentFoundMissing():
            kind = "missing"
        case DocumentFoundTwice():
            kind, kept_id, details = "duplicate", told.kept_id, told.differences
        case DocumentFoundAltered():
            kind, details = "altered", told.differences
        case DocumentFoundUnknown():
            kind, details = "unknown", (told.reason,)
        case InvoiceFoundPaidDifferently():
            kind = "paid_differently"
            details = (f"Jurnal: {told.jurnal_remaining:f} is owed, ledger: {told.ledger_remaining:f}",)
        case CreditFoundUsedDifferently():
            kind = "used_differently"
            details = (f"Jurnal: {told.jurnal_used:f} was taken out of it, ledger: {told.ledger_used:f}",)
        case _:
            assert_never(told)
    document = told.document
    return DifferenceRow(
        difference_id=document.difference_id,
        kind=kind,
        resource=document.resource,
        command_id=document.command_id or "",
        jurnal_id=document.jurnal_id or 0,
        kept_id=kept_id,
        transaction_no=document.transaction_no or "",
        business_date=document.business_date,
        ledger_amount=document.ledger_amount,
        jurnal_amount=document.jurnal_amount,
        detail="; ".join(details),
        repair=document.repair,
        found_at=found_at,
        found_on=found_on,
        resolved_at=0,
        repair_at=0,
    )
