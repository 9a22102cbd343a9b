"""Made-up facts: bodies of 439 bytes and metadata of 115 bytes on average, stream keys in time order."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from eventstore.event import NewFact

BODY_BYTES_MEAN = 439
METADATA_BYTES_MEAN = 115
FACTS_A_STREAM = 4
OBSERVED_AT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
_SPREAD_BYTES = 80


class OrderBody(msgspec.Struct, frozen=True):
    """What the limit decodes of a body."""

    order_id: str
    order_reference: str
    channel: str
    order_date: str
    status: str
    payment_status: str
    fulfillment_status: str
    outlet_id: str
    currency: str
    total_amount: int


class LookUpBody(msgspec.Struct, frozen=True):
    """What the limit decodes of a look-up's body."""

    kind: str
    key: str
    jurnal_id: int
    name: str


class Orders:
    """Counts made-up orders, so that no two facts of a run have one source id."""

    def __init__(self, facts_a_stream: int = FACTS_A_STREAM) -> None:
        self._facts_a_stream = facts_a_stream
        self._made = 0

    def facts(self, count: int) -> list[NewFact]:
        """Return the next `count` facts; each stream gets its facts one after the other."""
        return [self._fact(number) for number in self._numbers(count)]

    def rows(self, count: int) -> list[tuple[int, str, int, str, bytes, bytes]]:
        """Return the next `count` rows of the limit's table: pos, stream, version, type, data, metadata."""
        return [
            (
                number + 1,
                self._stream(number),
                number % self._facts_a_stream + 1,
                "OrderReported",
                self._body(number),
                _metadata(number),
            )
            for number in self._numbers(count)
        ]

    def _numbers(self, count: int) -> Iterator[int]:
        start, self._made = self._made, self._made + count
        return iter(range(start, self._made))

    def _fact(self, number: int) -> NewFact:
        stream = self._stream(number)
        return NewFact(
            stream_id=stream,
            type="OrderReported",
            schema_version=1,
            source_id=f"{stream}:{number % self._facts_a_stream}:{_digest(number)[:32]}",
            observed_at=OBSERVED_AT,
            body=self._body(number),
            metadata=_metadata(number),
        )

    def _stream(self, number: int) -> str:
        return f"order-{number // self._facts_a_stream:032x}"

    def _body(self, number: int) -> bytes:
        order = self._stream(number).removeprefix("order-")
        start = (
            f'{{"order_id":"{order}","order_reference":"#3101-{number}","channel":"pos",'
            f'"order_date":"2026-11-20T02:50:00","status":"completed","payment_status":"paid",'
            f'"fulfillment_status":"fulfilled","outlet_id":"outlet-{number % 7}","currency":"IDR",'
            f'"total_amount":{25_000 + number % 1_000 * 500},"order_details":[],"order_type":"'
        )
        end = f'","transactions":[],"modified_date":"2026-11-20T02:50:{number % 60:02d}"}}'
        return _padded(number, start, end)


class LookUps:
    """Counts made-up look-ups of products in Jurnal: the simplest facts that a projection makes rows of."""

    def __init__(self, things: int | None = None) -> None:
        self._things = things
        self._made = 0

    def facts(self, count: int) -> list[NewFact]:
        """Return the next `count` facts: of a product each, or of `things` products in turns."""
        start, self._made = self._made, self._made + count
        return [self._fact(number) for number in range(start, self._made)]

    def _fact(self, number: int) -> NewFact:
        key = f"KN-{number if self._things is None else number % self._things:012d}"
        return NewFact(
            stream_id=f"product-{key}",
            type="MasterDataFound",
            schema_version=1,
            source_id=f"found:{number:012d}:{_digest(number)[:32]}",
            observed_at=OBSERVED_AT,
            body=_padded(number, f'{{"kind":"product","key":"{key}","jurnal_id":{number + 1},"name":"', '"}'),
            metadata=_metadata(number),
        )


def _padded(number: int, start: str, end: str) -> bytes:
    length = BODY_BYTES_MEAN - _SPREAD_BYTES // 2 + number * 37 % (_SPREAD_BYTES + 1)
    return f"{start}{'x' * (length - len(start) - len(end))}{end}".encode()


def _metadata(number: int) -> bytes:
    signature = _digest(number).upper()
    metadata = f'{{"channel":"webhook","signature":"{signature}"}}'
    return metadata.ljust(METADATA_BYTES_MEAN).encode()


def _digest(number: int) -> str:
    return sha256(number.to_bytes(8, "big")).hexdigest()
