"""Folds decisions into the lines of the Accounting Sync list."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from eventstore.event import Fact
from eventstore.facts.operators import RecordSkipped
from eventstore.facts.registry import Meaning
from projections.changes.orders import OrderState
from projections.changes.products import ProductState
from projections.changes.verdict import seen_to_by
from projections.clearing.unsettled import (
    CLEARING_KEY,
    CLEARING_TABLE,
    Unsettled,
    after_commands,
    rows_between,
)
from projections.document_fold import DOCUMENT_STATES, Told, document_keys, tell
from projections.jurnal_commands.decision import Noted, Planned, Withdrawn
from projections.projection import NOTHING, Evolved, Row, States, Table, first_row, last_row


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
    stream_id: str


class RecordSeenTo(Row, frozen=True, kw_only=True):
    """A person has seen to what a line stands for; what is being booked shows what becomes of its commands."""

    record_id: str
    reason: str
    updated: int


class RecordWithdrawn(Row, frozen=True, kw_only=True):
    """Other lines stand for the document of this one now."""

    record_id: str


class RecordSuperseded(Row, frozen=True, kw_only=True):
    """Other records took the place of one that was being booked: none of its commands goes any more."""

    record_id: str
    reason: str
    updated: int


def _merged(known: SyncRecordRow, told: SyncRecordRow) -> SyncRecordRow:
    """Keep what is being booked, and where a record was first told; as `save_records` does."""
    return known if known.state == "booking" else msgspec.structs.replace(told, position=known.position)


def _seen_to(known: SyncRecordRow | None, told: RecordSeenTo) -> SyncRecordRow | None:
    """Show a line as skipped, unless it is being booked; as `skip_records` does."""
    if known is None or known.state == "booking":
        return known
    return msgspec.structs.replace(known, state="skipped", reason=told.reason, what_to_do=None, updated=told.updated)


def _withdrawn(known: SyncRecordRow | None, told: RecordWithdrawn) -> None:
    """Take the line away."""
    del known, told


def _ended(known: SyncRecordRow | None, told: RecordSuperseded) -> SyncRecordRow | None:
    """Show a line that was being booked as superseded; as `supersede_records` does."""
    if known is None or known.state != "booking":
        return known
    return msgspec.structs.replace(known, state="superseded", reason=told.reason, what_to_do=None, updated=told.updated)


class SyncStatus:
    """The projection `sync_status`: one line a business document, and nothing that a later fact contradicts.

    Beside the lines it keeps what of iSeller Pay money is not paid out, which follows from the same decisions.
    """

    name: ClassVar[str] = "sync_status"
    state_type: ClassVar[Any] = DOCUMENT_STATES | Unsettled
    row_tables: ClassVar[Sequence[str]] = ("sync_record", "clearing_day")
    tables: ClassVar[Sequence[Table]] = (
        Table(__package__, "save_records", SyncRecordRow, merge=_merged),
        Table(__package__, "skip_records", RecordSeenTo, merge=last_row, stored=SyncRecordRow, apply=_seen_to),
        Table(__package__, "withdraw_records", RecordWithdrawn, merge=last_row, stored=SyncRecordRow, apply=_withdrawn),
        Table(__package__, "supersede_records", RecordSuperseded, merge=first_row, stored=SyncRecordRow, apply=_ended),
        CLEARING_TABLE,
    )

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return settings, document, what may wait for the fact, and the clearing."""
        return (CLEARING_KEY, *document_keys(fact, meaning))

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Write the records that a report's decisions speak of, and the money that they move."""
        told = tell(states, fact, meaning)
        ended = _superseded(told, fact)
        if not told.decisions and not ended:
            # A word about a document was judged with it; what cannot be read is no document, and a product has no
            # judgement beside its commands.
            is_bare = all(isinstance(document, ProductState) for document in told.documents.values())
            rows = (_skipped(meaning, fact),) if isinstance(meaning, RecordSkipped) and is_bare else ()
            return Evolved(told.states, rows) if told.states or rows else NOTHING
        by_record: dict[str, list[Planned | Noted]] = {}
        lines: list[Row] = [*ended]
        for decision in told.decisions:
            if isinstance(decision, Withdrawn):
                lines.append(RecordWithdrawn(record_id=decision.record.record_id))
            else:
                by_record.setdefault(decision.record.record_id, []).append(decision)
        # What ends before it is told anew: a payment may be noted as skipped by the same fact.
        lines += (_row(decisions, fact) for decisions in by_record.values())
        before, after = _unsettled(states, told)
        if before == after:
            return Evolved(told.states, lines)
        return Evolved({**told.states, CLEARING_KEY: after}, [*lines, *rows_between(before, after, fact.position)])


def _unsettled(states: States, told: Told) -> tuple[Unsettled, Unsettled]:
    """Return what was unsettled before the fact and what is after it."""
    known = states.get(CLEARING_KEY)
    assert known is None or isinstance(known, Unsettled)
    before = known or Unsettled()
    if told.settings.connection is None:
        return before, before
    # What is planned anew was counted when it was planned first.
    commands = [
        decision.command for decision in told.decisions if isinstance(decision, Planned) and not decision.instead_of
    ]
    superseded = [each.asked for each in told.superseded]
    bookings = [
        booking
        for document in told.documents.values()
        if isinstance(document, OrderState)
        for booking in document.bookings
    ]
    clearing_account = told.settings.connection.clearing_account
    return before, after_commands(before, commands, clearing_account, bookings, superseded)


def _superseded(told: Told, fact: Fact) -> list[RecordSuperseded]:
    """Return the lines that have no command any more, with the reason of the first that ended."""
    reasons: dict[str, str] = {}
    for each in told.superseded:
        if each.is_last:
            reasons.setdefault(each.asked.record_id, each.reason)
    return [
        RecordSuperseded(record_id=record_id, reason=reason, updated=fact.position)
        for record_id, reason in reasons.items()
    ]


def _skipped(word: RecordSkipped, fact: Fact) -> RecordSeenTo:
    return RecordSeenTo(record_id=word.record_id, reason=seen_to_by(word), updated=fact.position)


def _row(decisions: list[Planned | Noted], fact: Fact) -> SyncRecordRow:
    noted = next((decision for decision in decisions if isinstance(decision, Noted)), None)
    lane = next((decision.lane for decision in decisions if isinstance(decision, Planned)), "")
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
        stream_id=lane or record.stream_id or fact.stream_id,
    )
