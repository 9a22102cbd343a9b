"""The load of the intake benchmark, a process of its own: `python -m ops.bench.intake_load` with its order on stdin.

Signed webhooks over keep-alive connections, written before the clock starts; answers are read, counted and checked.
A bare socket protocol, because a full HTTP client would need more of the machine than the server it measures.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from ops.bench.measure import Sample, latencies

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class LoadOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to send: orders counted from `first_order`, of `customers` people, `orders_a_request`, over `connections`.

    More than one order a request goes as lines of a batch.
    """

    path: str
    api_key: str
    requests: int
    orders_a_request: int
    customers: int
    connections: int
    port: int = 0
    first_order: int = 0


def webhook_body(number: int, customers: int) -> bytes:
    """Return a made-up order with personal values of a customer who may have bought before."""
    customer = number % customers
    return (
        f'{{"order_id":"{number:032x}","order_reference":"#3101-{number}","channel":"pos",'
        f'"order_date":"2026-11-20T02:50:00","status":"completed","payment_status":"paid",'
        f'"fulfillment_status":"fulfilled","outlet_id":"outlet-1","customer_id":"customer-{customer}",'
        f'"customer_first_name":"Sari {customer}","customer_last_name":"Contoh",'
        f'"customer_phone_number":"+62-000-555-{customer:04d}","currency":"IDR","total_amount":{25_000 + number % 997},'
        f'"order_details":[],"transactions":[]}}'
    ).encode()


def webhook(order: LoadOrder, number: int) -> bytes:
    """Return the whole request as it goes over the wire."""
    first = order.first_order + number * order.orders_a_request
    body = webhook_body(first, order.customers)
    if order.orders_a_request > 1:
        reports = (webhook_body(first + line, order.customers) for line in range(order.orders_a_request))
        body = b"\n".join(b'{"type":"order","report":%b}' % report for report in reports)
    timestamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"
    signature = sha256(order.api_key.encode() + body + timestamp.encode()).hexdigest().upper()
    head = (
        f"POST {order.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Timestamp: {timestamp}\r\nSignature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """Sends one request, waits for its answer, sends the next."""

    def __init__(self, requests: "list[bytes]", taken: list[float]) -> None:
        self._requests = requests
        self._taken = taken
        self._received = b""
        self._started = 0.0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self) -> None:
        """Send the next request, or end."""
        if not self._requests:
            self._transport.close()
            return
        self._started = time.perf_counter()
        self._transport.write(self._requests.pop())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_HEAD_END)
        if not end or len(body) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self.finished.set_exception(RuntimeError(self._received.decode(errors="replace")))
            self._transport.close()
            return
        self._taken.append(time.perf_counter() - self._started)
        self._received = b""
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None)
        del exc


def _content_length(head: bytes) -> int:
    start = head.lower().index(_LENGTH) + len(_LENGTH)
    return int(head[start:].split(b"\r\n", 1)[0])


async def send_all(order: LoadOrder) -> Sample:
    """Send everything and return requests/s with latencies. Raises RuntimeError with the first answer but 200."""
    taken: list[float] = []
    requests = [webhook(order, number) for number in range(order.requests)]
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(order.connections):
        _, connection = await loop.create_connection(lambda: _Connection(requests, taken), "127.0.0.1", order.port)
        connections.append(connection)
    started = time.perf_counter()
    for connection in connections:
        connection.send()
    await asyncio.gather(*(connection.finished for connection in connections))
    seconds = time.perf_counter() - started
    assert len(taken) == order.requests, f"{len(taken)} of {order.requests} requests were answered"
    return Sample(order.requests / seconds, *latencies(taken))


def main() -> None:
    """Read the order from stdin and print the sample."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=LoadOrder)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(send_all(order))))


if __name__ == "__main__":
    main()
