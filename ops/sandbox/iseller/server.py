"""The sandbox iSeller's HTTP side: OAuth and reads, and the door to its webhooks."""

from asyncio import Event
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import ClientSession, web

from ops.sandbox.iseller.oauth import Tokens
from ops.sandbox.iseller.reads import (
    BadQueryError,
    Page,
    Query,
    orders_page,
    outlets_page,
    parse_query,
    products_page,
    shifts_page,
    store_info,
    transactions_page,
    transfers_page,
)
from ops.sandbox.iseller.settings import IsellerSettings
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.iseller.webhooks import Delivered, Outbox
from ops.sandbox.iseller.wire import encode, utc_text

Read = Callable[[Shop, Query], Page]

# Path, the answer's array, and the read behind it.
_READS: tuple[tuple[str, str, Read], ...] = (
    ("/api/v2/GetOrders", "orders", orders_page),
    ("/api/v2/GetTransactions", "transactions", transactions_page),
    ("/api/v2/GetProducts", "products", products_page),
    ("/api/v2/GetRegisterShifts", "register_shifts", shifts_page),
    ("/api/v3/GetTransfer", "transfers", transfers_page),
    ("/api/v3/GetOutlets", "Outlets", outlets_page),
)


class IsellerSandbox:
    """One store's iSeller; `now` is its clock, the same that the shop was given."""

    def __init__(self, settings: IsellerSettings, shop: Shop, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.shop = shop
        self.tokens = Tokens(settings, now)
        self.outbox = Outbox(settings, shop, now)
        self.calls = 0
        self._now = now

    def app(self) -> web.Application:
        """Return the application with the token endpoint and the reads."""
        app = web.Application(client_max_size=self.settings.body_bytes_max)
        app.router.add_post("/oauth/token", self.tokens.answer)
        app.router.add_route("*", "/api/v2/GetStoreInfo", self._answer_store_info)
        for path, array, read in _READS:
            app.router.add_post(path, partial(self._answer_read, array, read))
        return app

    async def deliver_due(self, session: ClientSession) -> Delivered:
        """Try the webhooks that are due now, one bounded batch."""
        return await self.outbox.deliver_due(session)

    async def run_delivery(self, session: ClientSession, stop: Event) -> None:
        """Deliver until `stop` is set; sleeps `idle_seconds` when nothing was due."""
        await self.outbox.run(session, stop)

    async def _answer_read(self, array: str, read: Read, request: web.Request) -> web.Response:
        self.calls += 1
        if not self.tokens.permits(request.headers.get("Authorization", "")):
            return self._refuse(401, "Authorization has been denied for this request.")
        form = {name: str(value) for name, value in (await request.post()).items()}
        try:
            query = parse_query(form, self.settings.page_size_max, created_after_required=array == "orders")
        except BadQueryError as error:
            return self._refuse(200, str(error))
        page = read(self.shop, query)
        return self._envelope({"count": len(page.rows), array: page.rows, "has_next_item": page.has_next})

    async def _answer_store_info(self, request: web.Request) -> web.Response:
        self.calls += 1
        if not self.tokens.permits(request.headers.get("Authorization", "")):
            return self._refuse(401, "Authorization has been denied for this request.")
        return self._envelope({"store_info": store_info(self.shop)})

    def _refuse(self, status: int, message: str) -> web.Response:
        return self._envelope({"error_message": message, "status": False}, status)

    def _envelope(self, document: dict[str, Any], status: int = 200) -> web.Response:
        envelope = document | {
            "error_message": document.get("error_message", ""),
            "status": document.get("status", True),
            "time": utc_text(self._now()),
        }
        return web.Response(status=status, body=encode(envelope), content_type="application/json")
