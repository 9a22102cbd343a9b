"""Reports in bulk: one a line, `{"type": "order", "report": {…}}`, for filling a ledger from what iSeller exported.

Every line is taken like a webhook of its type: the same identity, so a line that is known already is a duplicate.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby

import msgspec

from eventstore.facts.registry import REPORT_KINDS
from service.iseller.intake import Intake

LINES_MAX = 1_000


class TooManyLines(Exception):
    """The batch holds more lines than are taken at once."""


class LineResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a line; lines count from 1. `refused` was not appended: it names no report that can be taken."""

    line: int
    outcome: str
    position: int = 0
    field: str = ""
    reason: str = ""


class _Line(msgspec.Struct, frozen=True):
    type: str
    report: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)


async def take_lines(
    intake: Intake, store_id: str, body: bytes, *, observed_at: datetime, metadata: Mapping[str, object]
) -> list[LineResult]:
    """Take every line and return one result each, after the durable commit. Raises `TooManyLines` and as `Intake`."""
    texts = body.splitlines()
    if len(texts) > LINES_MAX:
        raise TooManyLines
    results: dict[int, LineResult] = {}
    for type_, run in groupby(_read(texts, results), key=lambda numbered: numbered[1].type):
        lines = list(run)
        taken = await intake.take_many(
            store_id,
            REPORT_KINDS[type_],
            [bytes(line.report) for _, line in lines],
            observed_at=observed_at,
            metadata=metadata,
        )
        for (number, _), one in zip(lines, taken, strict=True):
            results[number] = LineResult(number, one.outcome, one.position, one.field, one.reason)
    return [results[number] for number in sorted(results)]


def _read(texts: list[bytes], results: dict[int, LineResult]) -> Iterator[tuple[int, _Line]]:
    for number, text in enumerate(texts, start=1):
        if not text.strip():
            continue
        try:
            line = _LINE.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            reason = 'a line is {"type": …, "report": {…}} in JSON'
            results[number] = LineResult(number, "refused", reason=reason)
            continue
        if line.type not in REPORT_KINDS:
            reason = f"known types are {', '.join(sorted(REPORT_KINDS))}"
            results[number] = LineResult(number, "refused", field="type", reason=reason)
            continue
        yield number, line
