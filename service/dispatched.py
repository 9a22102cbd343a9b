"""What one step of the dispatcher did."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec


class Dispatched(msgspec.Struct, frozen=True):
    """What one step did. `wait_until` (database time) is set when nothing can be done before.

    `outcome`: of all rows of the call, or of the most of them where they differ; `outcomes`: how many had which.
    """

    did: Literal["nothing", "not_ours", "waited", "sent", "probed", "refused"]
    kind: str = ""
    outcome: str = ""
    wait_until: datetime | None = None
    rows: int = 0
    outcomes: Mapping[str, int] = {}


def told(did: Literal["sent", "probed", "refused"], kind: str, outcomes: Iterable[str]) -> Dispatched:
    """Return what came of a call's rows, by the names of their outcomes or of why they were not sent."""
    counts = Counter(outcomes)
    most = counts.most_common(1)[0][0] if counts else ""
    return Dispatched(did, kind, most, rows=counts.total(), outcomes=dict(counts))
