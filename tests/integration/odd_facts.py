"""Facts at the edges of what a ledger takes: what recomputes a hash must agree on them, too."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from eventstore.event import NewFact
from tests.ledger import NOON

FIRST_YEAR = datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
LAST_YEAR = datetime(9999, 12, 31, 23, 59, 59, 999_998, tzinfo=UTC)


def odd_facts() -> list[NewFact]:
    """Return facts with empty and large parts, ids of many bytes, and the first and last times."""
    plain = NewFact(
        stream_id="order-1", type="OrderReported", schema_version=1, source_id="order", observed_at=NOON, body=b"{}"
    )
    odd: list[dict[str, Any]] = [
        {"body": b"", "sealed": b"", "metadata": b""},
        {"sealed": bytes(range(256))},
        {"body": b"\x00\xff\\x00'\"\n", "metadata": b"\\"},
        {"body": bytes(range(256)) * 4_096},
        {"stream_id": "pesanan-\u00fc\u00df\u6f22\u5b57\U0001f375\\x41' \n", "source_id": "\U0001f375" * 200},
        {"stream_id": "s" * 1_500, "source_id": "q" * 1_500},
        {"type": "\u00c4nderung"},
        {"observed_at": FIRST_YEAR},
        {"observed_at": LAST_YEAR},
        {"observed_at": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)},
        {"observed_at": datetime(2000, 1, 1, tzinfo=UTC)},
        {"schema_version": 32_767},
    ]
    return [
        msgspec.structs.replace(plain, **{"source_id": f"order:{number}", **fields})
        for number, fields in enumerate(odd)
    ]
