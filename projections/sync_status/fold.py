"""Folds decisions into the lines of the Accounting Sync list."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from eventstore.event import Fact
from eventstore.facts.registry import Meaning
from projections.document_fold import DOCUMENT_STATES, document_keys, tell
from projections.jurnal_commands.decision import Decision, Noted
from projections.projection import NOTHING, Evolved, Row, States, Table


class SyncRecordRow(Row, frozen=True, kw_only=True):
    """One line of the list. With commands, its status is that of the worst of them (view `sync_list`)."""

    record_id: str
    kind: str
    reference: str
    outlet: str | None
    business_date: date | None
    amount: Decimal | None
    state: str
    reason: str | None
    what_to_do: str | None
    position: int
    updated: int


def _merged(known: SyncRecordRow, told: SyncRecordRow) -> SyncRecordRow:
    """Keep what is being booked, and where a record was first told; as `save_records` does."""
    return known if known.state == "booking" else msgspec.structs.replace(told, position=known.position)


class SyncStatus:
    """The projection `sync_status`: one line a business document, and nothing that a later fact contradicts."""

    name: ClassVar[str] = "sync_status"
    state_type: ClassVar[Any] = DOCUMENT_STATES
    row_tables: ClassVar[Sequence[str]] = ("sync_record",)
    tables: ClassVar[Sequence[Table]] = (Table(__package__, "save_records", SyncRecordRow, merge=_merged),)

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return settings, document, and what may wait for the fact."""
        return document_keys(fact, meaning)

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Write the records that a report's decisions speak of."""
        told = tell(states, fact, meaning)
        if not told.decisions:
            return Evolved(told.states, ()) if told.states else NOTHING
        by_record: dict[str, list[Decision]] = {}
        for decision in told.decisions:
            by_record.setdefault(decision.record.record_id, []).append(decision)
        return Evolved(told.states, [_row(decisions, fact) for decisions in by_record.values()])


def _row(decisions: list[Decision], fact: Fact) -> SyncRecordRow:
    noted = next((decision for decision in decisions if isinstance(decision, Noted)), None)
    record = decisions[-1].record
    return SyncRecordRow(
        record_id=record.record_id,
        kind=record.kind,
        reference=record.reference,
        outlet=record.outlet,
        business_date=record.business_date,
        amount=record.amount,
        state=noted.state if noted is not None else "booking",
        reason=noted.reason if noted is not None else None,
        what_to_do=noted.what_to_do if noted is not None else None,
        position=fact.position,
        updated=fact.position,
    )
