"""Decides what each report asks of Jurnal. Pure: settings and state in, decisions and the new state out.

Orders and transfers are judged in `decide_orders` and `decide_transfers`: what they ask for may follow from a setting
as well as from a report.
"""

from typing import TypeGuard, assert_never

from eventstore.event import Fact
from eventstore.facts.incidents import PayloadUnreadable
from eventstore.facts.registry import Meaning
from eventstore.facts.reports.orders import OrderReport, Transaction
from eventstore.facts.reports.payouts import PayoutReport
from eventstore.facts.reports.refunds import RefundReport
from projections.changes.orders import OrderState, evolve_order
from projections.changes.payouts import PayoutState, evolve_payout
from projections.changes.settings import StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.transfers import TransferState
from projections.jurnal_commands.decide_orders import judge_order
from projections.jurnal_commands.decide_payouts import decide_payout
from projections.jurnal_commands.decision import Decision, Noted, SyncRecord

DocumentState = OrderState | TransferState | PayoutState

Document = OrderReport | Transaction | RefundReport | PayoutReport | PayloadUnreadable


def is_document(meaning: Meaning) -> TypeGuard[Document]:
    """Tell whether a fact speaks of an order or a payout, or cannot be read."""
    return isinstance(meaning, OrderReport | Transaction | RefundReport | PayoutReport | PayloadUnreadable)


def fold_document(
    state: DocumentState | None, settings: StoreSettings, fact: Fact, meaning: Document
) -> tuple[DocumentState | None, list[Decision]]:
    """Take in a report about one business document; return its new state and what follows from it."""
    match meaning:
        case OrderReport() | Transaction() | RefundReport():
            assert state is None or isinstance(state, OrderState)
            return judge_order(evolve_order(state, fact, meaning), settings, fact, Shifts())
        case PayoutReport():
            assert state is None or isinstance(state, PayoutState)
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
