"""The gateway in front of the company: address quota, signature, consumer quota, faults and error answers."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
from aiohttp import web

from ops.sandbox.jurnal import signing
from ops.sandbox.jurnal.connections import ConnectionCut, Connections, Wait, hang_up
from ops.sandbox.jurnal.course import COURSE, Course
from ops.sandbox.jurnal.errors import Missing, Refusal, missing
from ops.sandbox.jurnal.faults import Arrival, Fault, FaultKind, FaultPlan, OnTheWay, straight
from ops.sandbox.jurnal.quota import MONTH_EXCEEDED, RATE_EXCEEDED, Quota
from ops.sandbox.jurnal.settings import Consumer, SandboxSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_encode = msgspec.json.Encoder(decimal_format="number").encode
NOT_JSON = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def answer(body: object, status: int = 200) -> web.Response:
    """Return a JSON answer; exact decimals are written as numbers."""
    return web.Response(body=_encode(body), status=status, content_type="application/json", charset="utf-8")


class Gate:
    """Middleware for every request. `calls` counts what was authenticated, also when its quota refused it.

    `fault` and `on_the_way` say what goes wrong with a request and may be replaced at any time; `injected` counts what
    did. While it is down (see `restart`) every connection is cut.
    """

    def __init__(
        self,
        settings: SandboxSettings,
        now: Callable[[], datetime],
        fault: Fault,
        wait: Wait,
        injected: Counter[FaultKind],
    ) -> None:
        self.settings = settings
        self._now = now
        self.fault = fault
        self.on_the_way: OnTheWay = straight
        self.connections = Connections(wait)
        windows = settings.quota_windows
        self._consumers = {consumer.client_id: consumer for consumer in settings.consumers}
        self._quotas = {
            each.client_id: Quota(each.limit_minute, each.limit_hour, each.limit_month, windows=windows)
            for each in settings.consumers
        }
        self._addresses: dict[str, Quota] = {}
        self._down_until: datetime | None = None
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.injected = injected
        self.quota_refusals = 0

    def restart(self, down_seconds: float = 0) -> None:
        """Cut all connections and end what waits; nothing is heard until `down_seconds` have passed."""
        self.injected[FaultKind.RESTART] += 1
        self._down_until = self._now() + timedelta(seconds=down_seconds)
        self.connections.cut_all()

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through, or answer in the gateway's name."""
        self.connections.keep(request)
        if self._down_until is not None and self._now() < self._down_until:
            return hang_up(request)
        arrival = self.on_the_way(request) or Arrival()
        await request.read()
        work = self.connections.begin(self._dated(request, handler, arrival))
        if arrival.late_seconds:
            self.injected[arrival.kind] += 1
            return hang_up(request)
        try:
            # A caller that hangs up does not stop Jurnal.
            return await asyncio.shield(work)
        except ConnectionCut:
            return hang_up(request)

    async def _dated(self, request: web.Request, handler: Handler, arrival: Arrival) -> web.StreamResponse:
        """Let a request arrive, and tell the gateway's time with the answer."""
        given = await self._arrived(request, handler, arrival)
        if not given.prepared:
            told = self._now() + timedelta(seconds=arrival.clock_off_seconds + self.settings.clock_off_seconds)
            given.headers["Date"] = format_datetime(told.astimezone(UTC), usegmt=True)
        return given

    async def _arrived(self, request: web.Request, handler: Handler, arrival: Arrival) -> web.StreamResponse:
        """Check a request when it arrives, and run it."""
        await self.connections.pause(arrival.late_seconds)
        address, now = self._address(request), self._now()
        if not address.admits(now):
            return self._over(address, now)
        address.count(now)
        body = await request.read()
        consumer = self._authenticated(request, body, arrival)
        if consumer is None:
            return answer({"message": "Unauthorized"}, 401)
        resource = request.match_info.route.resource
        template = request.path if resource is None else resource.canonical
        self.calls[consumer.client_id, request.method, template] += 1
        quota, now = self._quotas[consumer.client_id], self._now()
        if not quota.admits(now):
            return self._over(quota, now)
        quota.count(now)
        given = await self._faulted(request, handler)
        if not given.prepared:
            given.headers.update(self._told(quota, self._now()))
        return given

    def _address(self, request: web.Request) -> Quota:
        settings = self.settings
        key = request.remote or ""
        limits = (settings.address_limit_minute, settings.address_limit_hour)
        return self._addresses.setdefault(key, Quota(*limits, windows=settings.quota_windows))

    def _over(self, quota: Quota, now: datetime) -> web.Response:
        self.quota_refusals += 1
        refused = answer({"message": quota.exceeded(now)}, 429)
        refused.headers.update(self._told(quota, now))
        return refused

    def _told(self, quota: Quota, now: datetime) -> dict[str, str]:
        return quota.headers(now) if self.settings.quota_told else {}

    def _authenticated(self, request: web.Request, body: bytes, arrival: Arrival) -> Consumer | None:
        """Check credential, signature, Date and Digest of a request whose body has arrived."""
        sent = signing.read_authorization(request.headers.get("Authorization", ""))
        date = request.headers.get("Date", "")
        consumer = None if sent is None else self._consumers.get(sent[0])
        if sent is None or consumer is None:
            return None
        expected = signing.signature(consumer.client_secret, date, request.method, request.raw_path)
        jurnals_now = self._now() + timedelta(seconds=arrival.clock_off_seconds + self.settings.clock_off_seconds)
        off = signing.seconds_off(date, jurnals_now)
        if not signing.same(expected, sent[1]) or off is None:
            return None
        if off > self.settings.date_skew_seconds_max:
            self.injected[arrival.kind] += bool(arrival.clock_off_seconds)
            return None
        digest = request.headers.get("Digest")
        if self.settings.digest_mismatch_refused and digest is not None and digest != signing.digest(body):
            return None
        return consumer

    async def _faulted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Run the operation with what is planned to go wrong."""
        plan, pause = self.fault(request) or FaultPlan(), self.connections.pause
        course = request[COURSE] = Course(plan, pause, self.injected)
        await pause(plan.delay_before_commit_seconds)
        if plan.status_before_commit is not None:
            course.happened()
            return _failed(plan.status_before_commit, month_limit=plan.month_limit)
        if plan.answered_early:
            course.happened()
            self.connections.begin(_run(request, handler, course))
            return _failed(504)
        given = await _run(request, handler, course)
        if plan.delay_after_commit_seconds or plan.close_after_commit or plan.status_after_commit is not None:
            course.happened()
        await pause(plan.delay_after_commit_seconds + self.settings.answer_delay_seconds)
        if plan.close_after_commit:
            hang_up(request)
        if plan.status_after_commit is not None:
            return _failed(plan.status_after_commit)
        return _spoilt(given, course)


def _failed(status: int, *, month_limit: bool = False) -> web.Response:
    """Return an answer that says nothing about what happened."""
    if status == 429:
        return answer({"message": MONTH_EXCEEDED if month_limit else RATE_EXCEEDED}, status)
    return answer({"message": "An unexpected error occurred"}, status)


def _spoilt(given: web.StreamResponse, course: Course) -> web.StreamResponse:
    """Return an answer with its body cut in half or replaced by a page; an empty one stays as it is."""
    wanted = course.plan.body_after_commit
    if wanted is None or not isinstance(given, web.Response) or not isinstance(given.body, bytes) or not given.body:
        return given
    course.happened()
    if wanted == "not_json":
        return web.Response(text=NOT_JSON, status=given.status, content_type="text/html")
    half = given.body[: len(given.body) // 2]
    return web.Response(body=half, status=given.status, content_type="application/json", charset="utf-8")


async def _run(request: web.Request, handler: Handler, course: Course) -> web.StreamResponse:
    try:
        return await handler(request)
    except Missing as refusal:
        other = course.plan.absent_status
        if other is None or other == refusal.status:
            return answer(refusal.body, refusal.status)
        course.happened()
        return answer(missing(other).body, other)
    except Refusal as refusal:
        return answer(refusal.body, refusal.status)
    except web.HTTPNotFound:
        return answer({"message": "no Route matched with those values"}, 404)
    except web.HTTPMethodNotAllowed:
        return answer({"message": "Method not allowed"}, 405)
