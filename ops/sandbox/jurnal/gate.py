"""The gateway in front of the company: address quota, signature, consumer quota, faults and error answers."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
from aiohttp import web

from ops.sandbox.jurnal import signing
from ops.sandbox.jurnal.errors import Refusal
from ops.sandbox.jurnal.faults import Fault, FaultPlan
from ops.sandbox.jurnal.quota import Quota
from ops.sandbox.jurnal.settings import Consumer, SandboxSettings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_encode = msgspec.json.Encoder(decimal_format="number").encode
RATE_EXCEEDED = "API rate limit exceeded"


def answer(body: object, status: int = 200) -> web.Response:
    """Return a JSON answer; exact decimals are written as numbers."""
    return web.Response(body=_encode(body), status=status, content_type="application/json", charset="utf-8")


class Gate:
    """Middleware for every request. `calls` counts what was authenticated, also when its quota refused it."""

    def __init__(self, settings: SandboxSettings, now: Callable[[], datetime], fault: Fault) -> None:
        self.settings = settings
        self._now = now
        self.fault = fault
        self._consumers = {consumer.client_id: consumer for consumer in settings.consumers}
        self._quotas = {
            consumer.client_id: Quota(consumer.limit_minute, consumer.limit_hour) for consumer in settings.consumers
        }
        self._addresses: dict[str, Quota] = {}
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self.quota_refusals = 0

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through, or answer in the gateway's name."""
        address, now = self._address(request), self._now()
        if not address.admits(now):
            return self._over(address, now)
        address.count(now)
        body = await request.read()
        consumer = self._authenticated(request, body)
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
            given.headers.update(quota.headers(self._now()))
        return given

    def _address(self, request: web.Request) -> Quota:
        settings = self.settings
        key = request.remote or ""
        return self._addresses.setdefault(key, Quota(settings.address_limit_minute, settings.address_limit_hour))

    def _over(self, quota: Quota, now: datetime) -> web.Response:
        self.quota_refusals += 1
        refused = answer({"message": RATE_EXCEEDED}, 429)
        refused.headers.update(quota.headers(now))
        return refused

    def _authenticated(self, request: web.Request, body: bytes) -> Consumer | None:
        """Check credential, signature, Date and Digest of a request whose body has arrived."""
        sent = signing.read_authorization(request.headers.get("Authorization", ""))
        date = request.headers.get("Date", "")
        consumer = None if sent is None else self._consumers.get(sent[0])
        if sent is None or consumer is None:
            return None
        expected = signing.signature(consumer.client_secret, date, request.method, request.raw_path)
        off = signing.seconds_off(date, self._now())
        if not signing.same(expected, sent[1]) or off is None or off > self.settings.date_skew_seconds_max:
            return None
        digest = request.headers.get("Digest")
        if self.settings.digest_mismatch_refused and digest is not None and digest != signing.digest(body):
            return None
        return consumer

    async def _faulted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Run the operation with what is planned to go wrong."""
        plan = self.fault(request) or FaultPlan()
        if plan.delay_before_commit_seconds:
            await asyncio.sleep(plan.delay_before_commit_seconds)
        if plan.status_before_commit is not None:
            return _failed(plan.status_before_commit)
        given = await _run(request, handler)
        delay = plan.delay_after_commit_seconds + self.settings.answer_delay_seconds
        if delay:
            await asyncio.sleep(delay)
        if plan.close_after_commit and request.transport is not None:
            request.transport.close()
        return given if plan.status_after_commit is None else _failed(plan.status_after_commit)


def _failed(status: int) -> web.Response:
    """Return an answer that says nothing about what happened."""
    return answer({"message": RATE_EXCEEDED if status == 429 else "An unexpected error occurred"}, status)


async def _run(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return answer(refusal.body, refusal.status)
    except web.HTTPNotFound:
        return answer({"message": "no Route matched with those values"}, 404)
    except web.HTTPMethodNotAllowed:
        return answer({"message": "Method not allowed"}, 405)
