"""Jurnal's products with what their look-up by code does not tell: sell account, tracking, archive.

Read page by page and kept a while. A spent quota stops the reading, and the next one goes on where it stopped.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from eventstore.clock import Clock
from service.jurnal.exchange import API, JurnalRequest, NoAnswer, Response
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls
from service.master_data import LookupFailed
from service.quota import Spent

_KEPT = timedelta(minutes=15)
_PAGE_SIZE = 100
_PAGES_MAX = 10_000


class JurnalProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product of Jurnal's."""

    jurnal_id: int
    code: str
    name: str
    sell_account: str | None
    track_inventory: bool
    is_archived: bool


class _Reading(msgspec.Struct):
    begun_at: datetime
    next_page: int = 1
    ended: bool = False
    seen: set[int] = msgspec.field(default_factory=set)
    products: dict[str, JurnalProduct] = msgspec.field(default_factory=dict)


class ProductList:
    """Reads products of companies. Ten a page is the least that Jurnal is known to give."""

    def __init__(self, calls: JurnalCalls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._readings: dict[str, _Reading] = {}

    def forget(self, store_id: str) -> None:
        """Let the next reading begin anew."""
        self._readings.pop(store_id, None)

    async def read(self, store_id: str, company: Company) -> Mapping[str, JurnalProduct] | LookupFailed:
        """Return Jurnal's products by code, without white space around it. Raises `CredentialMissing`."""
        now = self._clock.now()
        reading = self._readings.get(store_id)
        if reading is None or now - reading.begun_at > _KEPT:
            reading = self._readings[store_id] = _Reading(now)
        while not reading.ended and reading.next_page <= _PAGES_MAX:
            rows = await self._page(company, reading.next_page)
            if isinstance(rows, LookupFailed):
                return rows
            ids = {int(row["id"]) for row in rows}
            # Some lists tell how many pages they have, some do not: the last page is the one that brings nothing new.
            reading.ended = ids <= reading.seen
            reading.seen |= ids
            reading.next_page += 1
            for product in map(_product, rows):
                known = reading.products.get(product.code)
                if known is None or known.is_archived:
                    reading.products[product.code] = product
        return reading.products

    async def _page(self, company: Company, page: int) -> list[dict[str, Any]] | LookupFailed:
        path = f"{API}/products?page={page}&page_size={_PAGE_SIZE}"
        answer = await self._calls.read(company, JurnalRequest(method="GET", path=path), Purpose.FRESH)
        match answer:
            case Spent():
                return LookupFailed(answer.reason, answer)
            case NoAnswer():
                return LookupFailed(answer.reason)
            case Response() if answer.status == 200:
                try:
                    return msgspec.json.decode(answer.body, type=_Page).products
                except msgspec.DecodeError:
                    return LookupFailed("Jurnal's products cannot be read")
            case Response():
                return LookupFailed(f"Jurnal answered {answer.status} to a look at its products")


class _Page(msgspec.Struct):
    products: list[dict[str, Any]]


def _product(row: Mapping[str, Any]) -> JurnalProduct:
    account = row.get("sell_account")
    return JurnalProduct(
        jurnal_id=int(row["id"]),
        code=str(row.get("product_code") or "").strip(),
        name=str(row.get("name") or ""),
        sell_account=account.get("name") if isinstance(account, dict) else None,
        track_inventory=bool(row.get("track_inventory")),
        is_archived=bool(row.get("archive")),
    )
