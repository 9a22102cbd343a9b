"""What the client writes to a socket, and when it does not: against servers that count every byte they get."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eventstore.clock import Clock, ManualClock
from service.jurnal.client import ANSWER_BYTES_MAX, JurnalClient, open_session
from service.jurnal.exchange import JurnalRequest, Method, NoAnswer, Response, SignedRequest
from service.jurnal.signing import sign_request

START = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Wire:
    """A server of bytes: what it got, request by request, and where it listens."""

    answer: Answer
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    open: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read requests until the connection ends, and let `answer` speak."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.open[task] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                self.requests.append(await _whole_request(reader))
                await self.answer(len(self.requests), writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def stop(self) -> None:
        """End the connections that are still open."""
        for writer in self.open.values():
            writer.close()
        await asyncio.gather(*self.open)


async def _whole_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Wire]:
    """Serve on a free port."""
    wire = Wire(answer)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with server:
            yield wire
    finally:
        await wire.stop()


def signed(method: Method, path: str = "/a") -> SignedRequest:
    """Return a request signed at the start."""
    body = b'{"a":1}' if method == "POST" else b""
    request = JurnalRequest(method=method, path=path, body=body)
    return sign_request(request, client_id="c", secret="s", signed_at=START)


async def sent(
    url: str, request: SignedRequest, *, clock: Clock | None = None, seconds: float = 90, times: int = 1
) -> Response | NoAnswer:
    """Send a request, several times over the same session when told; return the last answer."""
    async with open_session() as session:
        client = JurnalClient(session, url, clock or ManualClock(START))
        for _ in range(times - 1):
            await client.send(request, START + timedelta(seconds=seconds))
        return await client.send(request, START + timedelta(seconds=seconds))


def raw(*parts: bytes, close: bool = False) -> Answer:
    """Answer every request with the same bytes."""

    async def answer(_number: int, writer: asyncio.StreamWriter) -> None:
        writer.writelines(parts)
        await writer.drain()
        if close:
            writer.close()

    return answer


class JumpingClock:
    """A clock that stands at the start for so many looks and is past every deadline afterwards."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    def now(self) -> datetime:
        """Return the start, or a day later when the looks are used up."""
        self._looks -= 1
        return START if self._looks >= 0 else START + timedelta(days=1)


@pytest.mark.parametrize(("method", "looks"), [("GET", 0), ("GET", 1), ("GET", 2), ("POST", 2), ("POST", 3)])
async def test_a_request_whose_time_runs_out_before_the_write_is_never_written(method: Method, looks: int) -> None:
    """However late it turns out, before the connection, before the headers or before the body: no byte leaves."""
    async with serving(raw(OK)) as wire:
        answer = await sent(wire.url, signed(method), clock=JumpingClock(looks))
        assert isinstance(answer, NoAnswer)
        assert not answer.reached_wire
        assert "deadline" in answer.reason
    assert wire.requests == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_last_look_at_the_clock_lets_a_request_in_time_pass(method: Method) -> None:
    """One look more than the test above, and it is written."""
    async with serving(raw(OK)) as wire:
        answer = await sent(wire.url, signed(method), clock=JumpingClock(3 if method == "GET" else 4))
    assert isinstance(answer, Response)
    assert len(wire.requests) == 1


async def test_a_late_deadline_does_not_outlive_the_signed_date() -> None:
    """The request's own Date bounds it, whatever deadline the caller names."""
    async with serving(raw(OK)) as wire:
        clock = ManualClock(START + timedelta(seconds=90))
        answer = await sent(wire.url, signed("POST"), clock=clock, seconds=1_000)
    assert isinstance(answer, NoAnswer)
    assert wire.requests == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_on_a_dying_connection_is_written_once(method: Method) -> None:
    """A kept connection that closes instead of answering: no request is sent a second time behind our back."""

    async def answer(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 1:
            writer.write(OK)
        else:
            writer.close()

    async with serving(answer) as wire:
        given = await sent(wire.url, signed(method), times=2)
        assert isinstance(given, NoAnswer)
        assert given.reached_wire
    assert len(wire.requests) == 2


async def test_connections_are_kept() -> None:
    """A run of requests costs one connection."""
    async with serving(raw(OK)) as wire:
        await sent(wire.url, signed("POST"), times=3)
    assert (wire.connections, len(wire.requests)) == (1, 3)


@pytest.fixture
async def closed_port() -> AsyncIterator[socket.socket]:
    """Give a socket that has a port and does not listen, so that connections are refused."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound


def url_of(bound: socket.socket) -> str:
    """Return the address of a socket."""
    return f"http://127.0.0.1:{bound.getsockname()[1]}"


async def test_a_post_that_finds_nobody_did_not_reach_the_wire(closed_port: socket.socket) -> None:
    """It is certainly not booked, and its next try belongs to the queue."""
    answer = await sent(url_of(closed_port), signed("POST"))
    assert answer == NoAnswer(reason="Jurnal could not be reached (ClientConnectorError)", reached_wire=False)


async def test_a_get_bridges_a_moment_without_anybody(closed_port: socket.socket) -> None:
    """A look-up repeats its connection for a second, and is written once."""
    wire = Wire(raw(OK))
    started: list[asyncio.Task[asyncio.Server]] = []

    def listen() -> None:
        started.append(asyncio.ensure_future(asyncio.start_server(wire.serve, sock=closed_port)))

    asyncio.get_running_loop().call_later(0.15, listen)
    answer = await sent(url_of(closed_port), signed("GET"))
    async with await started[0]:
        assert isinstance(answer, Response)
    await wire.stop()
    assert len(wire.requests) == 1


async def test_a_get_gives_up_after_a_second(closed_port: socket.socket) -> None:
    """Longer than that is the queue's to decide."""
    before = asyncio.get_running_loop().time()
    answer = await sent(url_of(closed_port), signed("GET"))
    assert isinstance(answer, NoAnswer)
    assert not answer.reached_wire
    assert asyncio.get_running_loop().time() - before < 5


async def test_silence_ends_at_the_deadline() -> None:
    """The request was written, so nobody knows what became of it."""
    async with serving(raw()) as wire:
        answer = await sent(wire.url, signed("POST"), seconds=0.1)
        assert answer == NoAnswer(reason="no answer within the deadline", reached_wire=True)


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"sales',
        b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"sal',
        b"HTTP/1.1 201 Cre",
        b"garbage\r\n\r\n",
        b"",
    ],
)
async def test_an_answer_cut_short_is_no_answer(answer: bytes) -> None:
    """A status without its body does not tell what was booked."""
    async with serving(raw(answer, close=True)) as wire:
        given = await sent(wire.url, signed("POST"))
    assert isinstance(given, NoAnswer)
    assert given.reached_wire


async def test_an_answer_without_end_is_cut_off() -> None:
    """No body larger than ten million bytes is held in memory."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {ANSWER_BYTES_MAX + 1}\r\n\r\n".encode()
    async with serving(raw(head, bytes(ANSWER_BYTES_MAX + 1))) as wire:
        given = await sent(wire.url, signed("POST"))
    assert isinstance(given, NoAnswer)
    assert given.reached_wire
    assert "larger" in given.reason


async def test_a_redirect_is_answered_and_not_followed() -> None:
    """A signature is for one address; what stands behind another is not Jurnal."""
    async with serving(raw(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")) as wire:
        given = await sent(wire.url, signed("POST"))
    assert isinstance(given, Response)
    assert (given.status, given.headers["location"]) == (302, "/b")
    assert len(wire.requests) == 1


async def test_the_path_on_the_wire_is_the_one_that_was_signed() -> None:
    """Percent-encoded signs stay as they are, or the signature would be for something else."""
    path = "/public/a%2Fb%20%23c%3F/%7Ed?q=%20x&y=a+b%2B"
    async with serving(raw(OK)) as wire:
        await sent(wire.url, signed("GET", path))
    assert wire.requests[0].startswith(f"GET {path} HTTP/1.1\r\n".encode())


async def test_headers_and_body_go_out_as_signed() -> None:
    """Every signed header once, the body's exact bytes, nothing remembered from answers."""
    cookie = OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n")
    async with serving(raw(cookie)) as wire:
        await sent(wire.url, signed("POST"), times=2)
    head, body = wire.requests[1].split(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    assert body == b'{"a":1}'
    for name, value in signed("POST").headers.items():
        assert lines.count(f"{name}: {value}") == 1
    assert not [line for line in lines if line.lower().startswith("cookie")]


async def test_a_proxy_fixes_the_way_to_jurnal() -> None:
    """The egress address is a setting: the request goes to the proxy, for Jurnal's host."""
    async with serving(raw(OK)) as wire, open_session() as session:
        client = JurnalClient(session, "http://jurnal.invalid", ManualClock(START), proxy=wire.url)
        answer = await client.send(signed("GET"), START + timedelta(seconds=90))
        assert isinstance(answer, Response)
    assert wire.requests[0].startswith(b"GET http://jurnal.invalid/a HTTP/1.1\r\n")
