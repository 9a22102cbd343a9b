"""Reports in bulk: one a line, `{"type": "order", "report": {…}}`, for filling a ledger from what iSeller exported.

Every line is taken like a webhook of its type: the same identity, so a line that is known already is a duplicate.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from eventstore.facts.registry import REPORT_KINDS
from service.iseller.intake import Intake

LINES_MAX = 1_000
_LINE_LOOKS = 'a line is {"type": …, "report": {…}} in JSON'
_KNOWN_TYPES = f"known types are {', '.join(sorted(REPORT_KINDS))}"


class EmptyBatch(Exception):
    """The batch holds no line."""


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
    intake: Intake,
    store_id: str,
    body: bytes,
    *,
    line_bytes_max: int,
    observed_at: datetime,
    metadata: Mapping[str, object],
) -> list[LineResult]:
    """Append all lines with one call and return one result each, after the durable commit.

    Raises `EmptyBatch`, `TooManyLines`, and as `Intake`.
    """
    texts = body.splitlines()
    if len(texts) > LINES_MAX:
        raise TooManyLines
    read = [(number, _read(text, line_bytes_max)) for number, text in enumerate(texts, start=1) if text.strip()]
    if not read:
        raise EmptyBatch
    reports = [(REPORT_KINDS[line.type], bytes(line.report)) for _, line in read if isinstance(line, _Line)]
    taken = iter(await intake.take_many(store_id, reports, observed_at=observed_at, metadata=metadata))
    results = []
    for number, line in read:
        if isinstance(line, _Refused):
            results.append(LineResult(number, "refused", field=line.field, reason=line.reason))
        else:
            one = next(taken)
            results.append(LineResult(number, one.outcome, one.position, one.field, one.reason))
    return results


class _Refused(msgspec.Struct, frozen=True):
    reason: str
    field: str = ""


def _read(text: bytes, line_bytes_max: int) -> _Line | _Refused:
    if len(text) > line_bytes_max:
        return _Refused(f"the line is larger than {line_bytes_max} bytes")
    try:
        line = _LINE.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Refused(_LINE_LOOKS)
    return line if line.type in REPORT_KINDS else _Refused(_KNOWN_TYPES, "type")
