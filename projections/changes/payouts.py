"""Payouts: only a completed one moves money, and nothing undoes it; it is judged until it is booked."""

from datetime import datetime
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from eventstore.facts.reports.payouts import COMPLETED, FAILED, PayoutReport
from projections.changes.asked import Asked
from projections.changes.times import read_utc
from projections.changes.verdict import Verdict


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """The money reached the bank. Amounts in IDR; refunds are netted into `transactions_amount`."""

    at: datetime
    outlet_id: str | None
    transactions_amount: Decimal
    fees: Decimal
    deposit: Decimal


class PayoutState(msgspec.Struct, frozen=True, kw_only=True, tag="payout"):
    """All that is known of a payout, with what was judged of it.

    `told_at`: the position of the report that `status` and `completion` are of. A completed payout without `completion`
    lacks its date or an amount. `seen_to`: a person's word that it is not booked by us. `asked`: its commands;
    `refused`: those that Jurnal refused, `lacks`: by such a one, the commands whose products Jurnal has not, none of a
    payout; `anew_at`: the position at which such were planned anew last.
    """

    reference_id: str
    stream_id: str
    status: str = ""
    told_at: int = 0
    completion: Completion | None = None
    verdict: Verdict | None = None
    booked: bool = False
    seen_to: str = ""
    asked: tuple[Asked, ...] = ()
    refused: tuple[str, ...] = ()
    lacks: dict[str, tuple[str, ...]] = {}
    anew_at: int = 0

    @property
    def failed(self) -> bool:
        """Whether the money never left iSeller."""
        return self.status in FAILED

    @property
    def completed(self) -> bool:
        """Whether iSeller calls it completed."""
        return self.status in COMPLETED

    def needs(self) -> tuple[str, ...]:
        """Return what makes it worth judging again when it comes."""
        return () if self.booked or self.verdict is None else self.verdict.needs


def evolve_payout(known: PayoutState | None, report: PayoutReport, fact: Fact) -> PayoutState:
    """Take in one report. Nothing undoes a completed payout, and one that failed does not go under way again."""
    state = known or PayoutState(reference_id=report.reference_id, stream_id=fact.stream_id)
    status = (report.status or "").lower()
    if state.completion is not None or (status not in FAILED | COMPLETED and (state.failed or state.completed)):
        return state
    return msgspec.structs.replace(
        state,
        status=status,
        told_at=fact.position,
        completion=_completion(report) if status in COMPLETED else None,
    )


def _completion(report: PayoutReport) -> Completion | None:
    amount, fees, deposit = report.transactions_amount, report.total_fees, report.total_deposit
    if report.date is None or amount is None or fees is None or deposit is None:
        return None
    return Completion(
        at=read_utc(report.date), outlet_id=report.outlet_id, transactions_amount=amount, fees=fees, deposit=deposit
    )
