"""Decides what a payout's report asks of Jurnal, and what is said of a report that cannot be read.

Orders and transfers are judged in `decide_orders` and `decide_transfers`: what they ask for may follow from a setting
as well as from a report.
"""

from typing import TypeGuard, assert_never

from eventstore.event import Fact
from eventstore.facts.incidents import PayloadUnreadable
from eventstore.facts.registry import Meaning
from eventstore.facts.reports.payouts import PayoutReport
from projections.changes.payouts import PayoutState, evolve_payout
from projections.changes.settings import StoreSettings
from projections.jurnal_commands.decide_payouts import decide_payout
from projections.jurnal_commands.decision import Decision, Noted, SyncRecord

Document = PayoutReport | PayloadUnreadable


def is_document(meaning: Meaning) -> TypeGuard[Document]:
    """Tell whether a fact speaks of a payout, or cannot be read."""
    return isinstance(meaning, PayoutReport | PayloadUnreadable)


def fold_document(
    state: PayoutState | None, settings: StoreSettings, fact: Fact, meaning: Document
) -> tuple[PayoutState | None, list[Decision]]:
    """Take in a report; return the payout's new state and what follows from it."""
    match meaning:
        case PayoutReport():
            payout, payout_changes = evolve_payout(state or PayoutState(reference_id=meaning.reference_id), meaning)
            return payout, decide_payout(settings, fact, meaning.reference_id, payout_changes)
        case PayloadUnreadable():
            return state, [_unreadable(fact, meaning)]
        case _:
            assert_never(meaning)


def _unreadable(fact: Fact, meaning: PayloadUnreadable) -> Noted:
    return Noted(
        record=SyncRecord(record_id=fact.stream_id, kind="unreadable", reference=meaning.kind),
        state="failed",
        reason=f"iSeller sent a report that cannot be read: {meaning.field}: {meaning.reason}",
        what_to_do="Nothing is lost: the bytes are kept. Send the position of this record to support",
    )
