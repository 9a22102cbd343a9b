"""Payouts: only a completed one moves money; it is told once."""

from datetime import datetime
from decimal import Decimal

import msgspec

from eventstore.facts.reports.payouts import PayoutReport
from projections.changes.times import read_utc

# iSeller's words are known from translated screens only; each column is one meaning.
_COMPLETED = frozenset({"completed", "complete", "completion", "success", "successful"})
_FAILED = frozenset({"failed", "failure", "error"})


class PayoutState(msgspec.Struct, frozen=True, kw_only=True, tag="payout"):
    """All that is known of a payout."""

    reference_id: str
    status: str = ""
    completed: bool = False


class PayoutCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """The money reached the bank. Amounts in IDR."""

    reference_id: str
    at: datetime
    outlet_id: str | None
    transactions_amount: Decimal
    fees: Decimal
    deposit: Decimal


class PayoutIncomplete(msgspec.Struct, frozen=True):
    """A completed payout whose report lacks an amount or its date."""

    reference_id: str


class PayoutWaits(msgspec.Struct, frozen=True):
    """Announced or under way."""

    status: str


class PayoutFailed(msgspec.Struct, frozen=True):
    """The money did not leave iSeller: nothing to book."""


PayoutChange = PayoutCompleted | PayoutIncomplete | PayoutWaits | PayoutFailed


def evolve_payout(state: PayoutState, report: PayoutReport) -> tuple[PayoutState, list[PayoutChange]]:
    """Take in one payout report. Nothing undoes a completed payout."""
    status = (report.status or "").lower()
    if state.completed:
        return state, []
    if status in _FAILED:
        return msgspec.structs.replace(state, status=status), [PayoutFailed()]
    if status not in _COMPLETED and state.status in _FAILED:
        # Told late: a payout that failed does not go under way again, though it may yet be completed.
        return state, []
    if status not in _COMPLETED:
        return msgspec.structs.replace(state, status=status), [PayoutWaits(status)]
    amount, fees, deposit = report.transactions_amount, report.total_fees, report.total_deposit
    if report.date is None or amount is None or fees is None or deposit is None:
        return state, [PayoutIncomplete(report.reference_id)]
    completed = PayoutCompleted(
        reference_id=report.reference_id,
        at=read_utc(report.date),
        outlet_id=report.outlet_id,
        transactions_amount=amount,
        fees=fees,
        deposit=deposit,
    )
    return msgspec.structs.replace(state, status=status, completed=True), [completed]
