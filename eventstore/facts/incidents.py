"""What the way in could not take as it came."""

from datetime import datetime

import msgspec


class PayloadUnreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A signed body that cannot be read. `payload` is the token that stands for the whole body, kept sealed."""

    kind: str
    field: str
    reason: str
    payload: str


class IntegrityIncident(msgspec.Struct, frozen=True, kw_only=True):
    """A report contradicts an earlier one under the same immutable source id. Nothing was overwritten."""

    kind: str
    source_id: str
    original_position: int
    field: str
    original: str
    reported: str
    seen_at: datetime
