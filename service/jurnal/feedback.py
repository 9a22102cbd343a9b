"""What an answer of Jurnal's tells of its quota: the x-ratelimit headers, and which limit a 429 is about."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from service.jurnal.complaints import Complaint, read_complaint
from service.jurnal.exchange import Response
from service.jurnal.package import next_month, start_of

Scope: TypeAlias = Literal["minute", "hour", "month"]
_MONTHLY = re.compile(r"month|bulan", re.IGNORECASE)
_WINDOWS: Mapping[int, str] = {60: "minute", 3_600: "hour"}
# Jurnal's clock and ours are not the same.
_BEHIND_THE_TURN = timedelta(seconds=1)


class Exceeded(msgspec.Struct, frozen=True):
    """A 429: which limit, and the seconds to wait where Jurnal names them."""

    scope: Scope
    retry_after_seconds: int | None = None


class Feedback(msgspec.Struct, frozen=True):
    """Calls that remain, by the window's seconds, where told; and the limit that refused the call, if one did.

    `is_admitted`: the call passed every limit.
    """

    remaining: Mapping[int, int]
    exceeded: Exceeded | None
    is_admitted: bool


def feedback_of(answer: Response) -> Feedback:
    """Return what an answer tells of the quota."""
    told = {seconds: answer.headers.get(f"x-ratelimit-remaining-{word}", "") for seconds, word in _WINDOWS.items()}
    remaining = {seconds: int(calls) for seconds, calls in told.items() if calls.isdecimal()}
    refused = exceeded(answer, read_complaint(answer.body)) if answer.status == 429 else None
    # Who is not known is turned away before anything is counted, and what breaks may break before.
    return Feedback(remaining, refused, is_admitted=answer.status < 500 and answer.status not in {401, 403, 429})


def exceeded(answer: Response, complaint: Complaint) -> Exceeded:
    """Return which limit a 429 is about: only its words tell the month's from the others."""
    if complaint.says(_MONTHLY):
        return Exceeded("month")
    asked = answer.headers.get("retry-after", "")
    scope: Scope = "hour" if answer.headers.get("x-ratelimit-remaining-hour") == "0" else "minute"
    return Exceeded(scope, int(asked) if asked.isdecimal() else None)


def closed_until(refused: Exceeded, now: datetime, zone: ZoneInfo) -> datetime:
    """Return until when a refusal closes a company's budget: the next full minute or hour, or the next month."""
    if refused.scope == "month":
        return start_of(next_month(now.astimezone(zone).date()), zone) + _BEHIND_THE_TURN
    seconds = 60 if refused.scope == "minute" else 3_600
    turn = datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, UTC) + _BEHIND_THE_TURN
    return max(turn, now + timedelta(seconds=refused.retry_after_seconds or 0))
