"""What an answer tells of Jurnal's clock: its Date header, in whole seconds. Something on the way may leave it out."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from service.jurnal.exchange import Response


def told_at(answer: Response) -> datetime | None:
    """Return what Jurnal's clock showed when it answered, None where the answer does not tell."""
    try:
        told = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None
    return told if told.tzinfo is not None else None


def asked_at(answer: Response) -> datetime | None:
    """Return what Jurnal's clock showed when it was asked, at the earliest: the answer took its time."""
    told = told_at(answer)
    return None if told is None else told - timedelta(seconds=answer.seconds)


def off_seconds(answer: Response, signed_at: datetime) -> float | None:
    """Return how far Jurnal's clock is from ours, which signed; negative: behind. Only what no wait explains counts."""
    told = told_at(answer)
    if told is None:
        return None
    off = (told - signed_at).total_seconds()
    # Both instants are cut to whole seconds.
    return off if off < 0 else max(0.0, off - answer.seconds - 1)
