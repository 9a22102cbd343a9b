"""Why something is not booked, and what would make it worth judging again."""

from typing import Literal

import msgspec

from eventstore.facts.operators import RecordSkipped


class Verdict(msgspec.Struct, frozen=True):
    """Why a document is not booked. `needs` (see waiting.py): what makes it worth judging again when it comes."""

    state: Literal["held", "failed", "skipped"]
    reason: str
    what_to_do: str | None = None
    needs: tuple[str, ...] = ()


def seen_to_by(word: RecordSkipped) -> str:
    """Return why a record is skipped for good."""
    return f"Seen to by {word.actor}: {word.reason}"
