"""Webhooks: signed once, sent at least once, retried by schedule, and lost where the settings say so."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import get_args

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from ops.sandbox.dice import Dice
from ops.sandbox.iseller.settings import IsellerSettings, WebhookType
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.iseller.state import Notice
from ops.sandbox.iseller.wire import encode, timestamp_header

_THIN_KEYS = (
    "order_id",
    "order_reference",
    "channel",
    "status",
    "payment_status",
    "fulfillment_status",
    "cancel_reason",
)


class Delivered(msgspec.Struct, kw_only=True):
    """What one step did: webhooks taken (200), refused (another status), unanswered, lost, given up.

    `pending` is how many wait after it, due or not.
    """

    taken: int = 0
    refused: int = 0
    unanswered: int = 0
    lost: int = 0
    given_up: int = 0
    pending: int = 0


class Webhook(msgspec.Struct, kw_only=True, eq=False):
    """One notification on its way; `timestamp` and `signature` are made at the first try and then repeated."""

    type: WebhookType
    object_id: str
    body: bytes
    due_at: datetime
    first_try_lost: bool
    repeat: bool
    tries: int = 0
    first_tried_at: datetime | None = None
    timestamp: str = ""
    signature: str = ""


def signature(api_key: str, body: bytes, timestamp: str) -> str:
    """Return the Signature header: uppercase hex SHA-256 of key, raw body and Timestamp header."""
    return sha256(api_key.encode() + body + timestamp.encode()).hexdigest().upper()


class Outbox:
    """Webhooks that have not been taken yet, oldest first."""

    def __init__(self, settings: IsellerSettings, shop: Shop, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._shop = shop
        self._now = now
        self._waiting: list[Webhook] = []
        # One stream of choices a type: another type's traffic does not change what is lost of this one.
        self._loss_dice = {kind: Dice(settings.seed, f"loss/{kind}") for kind in get_args(WebhookType)}
        self._shuffle_dice = Dice(settings.seed, "shuffle")
        self.lost: list[tuple[WebhookType, str]] = []

    @property
    def pending(self) -> int:
        """How many webhooks wait, due or not, counting those the shop has only just noted."""
        return len(self._waiting) + len(self._shop.notices)

    async def deliver_due(self, session: ClientSession) -> Delivered:
        """Try up to `batch_webhooks_max` due webhooks, `deliveries_concurrent_max` at a time."""
        delivered = Delivered(lost=self._take_notices())
        places = asyncio.Semaphore(self._settings.deliveries_concurrent_max)
        await asyncio.gather(*(self._try(webhook, session, places, delivered) for webhook in self._due()))
        delivered.pending = self.pending
        return delivered

    async def run(self, session: ClientSession, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set."""
        while not stop.is_set():
            delivered = await self.deliver_due(session)
            if delivered.taken == 0:
                try:
                    await asyncio.wait_for(stop.wait(), self._settings.idle_seconds)
                except TimeoutError:
                    continue

    def _take_notices(self) -> int:
        """Turn what happened in the shop into webhooks; return how many of them are lost for good."""
        lost = 0
        while self._shop.notices:
            notice = self._shop.notices.popleft()
            dice = self._loss_dice[notice.type]
            is_lost = dice.chance(self._settings.lose_share.get(notice.type, 0))
            first_try_lost = dice.chance(self._settings.lose_until_retry.get(notice.type, 0))
            repeat = dice.chance(self._settings.duplicate_share)
            if is_lost:
                self.lost.append((notice.type, notice.object_id))
                lost += 1
                continue
            self._waiting.append(
                Webhook(
                    type=notice.type,
                    object_id=notice.object_id,
                    body=self._body(notice),
                    due_at=self._now(),
                    first_try_lost=first_try_lost,
                    repeat=repeat,
                )
            )
        return lost

    def _body(self, notice: Notice) -> bytes:
        if notice.type == "order" and self._settings.body == "thin":
            return encode({key: notice.document[key] for key in _THIN_KEYS})
        return encode(notice.document)

    def _due(self) -> list[Webhook]:
        """Return what to try now: unless shuffled, a webhook waits for the earlier ones of its object."""
        now = self._now()
        if self._settings.shuffle:
            due = [webhook for webhook in self._waiting if webhook.due_at <= now]
            self._shuffle_dice.shuffle(due)
            return due[: self._settings.batch_webhooks_max]
        heads: dict[str, Webhook] = {}
        for webhook in self._waiting:
            heads.setdefault(webhook.object_id, webhook)
        return [webhook for webhook in heads.values() if webhook.due_at <= now][: self._settings.batch_webhooks_max]

    async def _try(
        self, webhook: Webhook, session: ClientSession, places: asyncio.Semaphore, delivered: Delivered
    ) -> None:
        async with places:
            now = self._now()
            if webhook.first_tried_at is None:
                webhook.first_tried_at = now
                webhook.timestamp = timestamp_header(now)
                webhook.signature = signature(self._settings.api_key, webhook.body, webhook.timestamp)
            webhook.tries += 1
            if webhook.first_try_lost and webhook.tries == 1:
                delivered.lost += 1
                self._retry_later(webhook, delivered)
                return
            status = await self._send(webhook, session)
        if status == 200:
            delivered.taken += 1
            if webhook.repeat:
                webhook.repeat = False
            else:
                self._waiting.remove(webhook)
            return
        if status is None:
            delivered.unanswered += 1
        else:
            delivered.refused += 1
        self._retry_later(webhook, delivered)

    async def _send(self, webhook: Webhook, session: ClientSession) -> int | None:
        """Post it once; return the status, or None when no answer came."""
        headers = {
            "Content-Type": "application/json",
            "Timestamp": webhook.timestamp,
            "Signature": webhook.signature,
        }
        url = f"{self._settings.service_url.rstrip('/')}/iseller/{self._settings.store}/{webhook.type}"
        timeout = ClientTimeout(total=self._settings.request_timeout_seconds)
        try:
            async with session.post(url, data=webhook.body, headers=headers, timeout=timeout) as answer:
                await answer.read()
                return answer.status
        except (ClientError, TimeoutError, OSError):
            return None

    def _retry_later(self, webhook: Webhook, delivered: Delivered) -> None:
        delays = self._settings.retry_delays_seconds
        now = self._now()
        webhook.due_at = now + timedelta(seconds=delays[min(webhook.tries, len(delays)) - 1])
        first_tried_at = webhook.first_tried_at or now
        if webhook.due_at - first_tried_at > timedelta(seconds=self._settings.retry_seconds_max):
            delivered.given_up += 1
            self._waiting.remove(webhook)
