"""Takes payouts of a file into the ledger like webhooks of the same payouts: same identity, same way in."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from eventstore.clock import Clock
from eventstore.event import Fact
from eventstore.facts.registry import REPORT_KINDS, decode
from eventstore.facts.reports.payouts import COMPLETED, FAILED, PayoutReport
from eventstore.store import LedgerReader
from service.iseller.intake import Intake
from service.iseller.strict_read import one_case
from service.payout_report import ReportedLine

_PAYOUT = REPORT_KINDS["payout"]
_STREAM_FACTS_MAX = 1_000
_AMOUNTS = ("transactions_amount", "total_fees", "total_deposit")


class LineTaken(msgspec.Struct, frozen=True):
    """What became of a line: told for the first time, known already, or at odds with what was told before."""

    line: int
    reference_id: str
    outcome: Literal["new", "known", "contradicts"]
    position: int | None
    detail: str = ""


class PayoutImport:
    """Imports payouts. A line that contradicts what is known becomes an `IntegrityIncident`, as a webhook would."""

    def __init__(self, reader: LedgerReader, intake: Intake, clock: Clock) -> None:
        self._reader = reader
        self._intake = intake
        self._clock = clock

    async def take(self, store_id: str, payouts: Sequence[ReportedLine], *, dry_run: bool) -> list[LineTaken]:
        """Take every line and say what became of it; with `dry_run` say what would, and append nothing."""
        return [await self._take(store_id, payout, dry_run=dry_run) for payout in payouts]

    async def _take(self, store_id: str, payout: ReportedLine, *, dry_run: bool) -> LineTaken:
        stream_id = _PAYOUT.stream_prefix + one_case(payout.report.reference_id)
        stream = await self._reader.read_stream(store_id, stream_id, facts_max=_STREAM_FACTS_MAX)
        known = _same_meaning(stream, payout.report.status)
        report = payout.report
        contradiction = _contradiction(report, known)
        position: int | None = None
        is_new = not known
        if not dry_run:
            taken = await self._intake.take(
                store_id, _PAYOUT, payout.body, observed_at=self._clock.now(), metadata={"channel": "import"}
            )
            position, is_new = taken.position, taken.outcome == "appended"
        if contradiction:
            return LineTaken(payout.line, report.reference_id, "contradicts", position, contradiction)
        return LineTaken(payout.line, report.reference_id, "new" if is_new else "known", position)


def _same_meaning(stream: Sequence[Fact], status: str | None) -> list[PayoutReport]:
    """Return what was told before of the same status, whatever the word for it."""
    words = next((words for words in (COMPLETED, FAILED) if status in words), frozenset({status}))
    reports = (decode(fact) for fact in stream if fact.type == _PAYOUT.fact_type)
    return [report for report in reports if isinstance(report, PayoutReport) and (report.status or "").lower() in words]


def _contradiction(report: PayoutReport, known: Sequence[PayoutReport]) -> str:
    """Return which amount was told otherwise before, empty for none."""
    for told in known:
        for name in _AMOUNTS:
            before: Decimal | None = getattr(told, name)
            after: Decimal = getattr(report, name)
            if before is not None and before != after:
                return f"{name} was told as {before:f} before and is {after:f} here"
    return ""
