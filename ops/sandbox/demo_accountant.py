"""The merchant's accountant: signed calls to Jurnal with a consumer of their own, and the reports read back."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession
from yarl import URL

from ops.sandbox.jurnal import Consumer, signing
from ops.sandbox.jurnal.server import utc_now

_API = "/public/jurnal/api/v1"
_PAGE_SIZE = 100
_FIGURE = re.compile(r"\D*(?P<figure>[\d.]+,\d\d)\)?$")


class JurnalRefused(Exception):
    """Jurnal did not do what the accountant asked."""


class Accountant:
    """Speaks to Jurnal at `url` as `consumer`, in the time of `now`."""

    def __init__(
        self, session: ClientSession, url: str, consumer: Consumer, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._session = session
        self._url = url
        self._consumer = consumer
        self._now = now
        # What a person entered stands beside what the service books, and must not be counted with it.
        self.made: Counter[str] = Counter()

    async def make(self, plural: str, singular: str, **fields: object) -> None:
        """Create one record. Raises `JurnalRefused`."""
        await self._call("POST", plural, body={singular: fields})
        self.made[singular] += 1

    async def profit_and_loss(self, first: date, last: date) -> dict[str, Decimal]:
        """Return account name → amount, income and costs positive."""
        answer = await self._report("profit_and_loss", start_date=first.isoformat(), end_date=last.isoformat())
        sections = ("primary_income", "cost_of_good_sold", "expense", "other_income", "other_expense")
        rows = (row for name in sections for row in answer[name]["accounts"]["array"])
        return {row["name"]: Decimal(row["data"][0]["balance_raw"]) for row in rows}

    async def net_income(self, first: date, last: date) -> Decimal:
        """Return what profit and loss ends with."""
        answer = await self._report("profit_and_loss", start_date=first.isoformat(), end_date=last.isoformat())
        written = answer["header"]["net_income"][0]["income"]
        return -_figure(written) if written.startswith("-") else _figure(written)

    async def trial_balance(self, first: date, last: date) -> dict[str, Decimal]:
        """Return account name → end balance, debit positive."""
        answer = await self._report("trial_balance", start_date=first.isoformat(), end_date=last.isoformat())
        return {
            row["account"]["name"]: _figure(row["account"]["end_balance"]["debit"])
            - _figure(row["account"]["end_balance"]["credit"])
            for name, rows in answer.items()
            if name.endswith("_accounts")
            for row in rows
        }

    async def stock(self, last: date) -> dict[str, dict[str, Decimal]]:
        """Return warehouse → SKU → quantity."""
        answer = await self._report("warehouse_stock_quantity", end_date=last.isoformat())
        stock: dict[str, dict[str, Decimal]] = {}
        for row in answer["list"]:
            for warehouse in row["warehouses"]:
                stock.setdefault(warehouse["name"], {})[row["product_code"]] = Decimal(warehouse["quantity"])
        return stock

    async def receivables(self, last: date) -> list[Decimal]:
        """Return what each customer owes in whole rupiah, largest first, without those who owe nothing."""
        answer = await self._report("aged_receivables", end_date=last.isoformat())
        owed = (
            Decimal(str(row["total_percustomer"])).quantize(Decimal(1), ROUND_HALF_UP) for row in answer["customers"]
        )
        return sorted((amount for amount in owed if amount), reverse=True)

    async def invoice_statuses(self) -> Counter[str]:
        """Return how many sales invoices show each status."""
        return Counter([row["transaction_status"]["name"] async for row in self._rows("sales_invoices")])

    async def customer_ids(self) -> list[str | None]:
        """Return the custom_id of every customer; None of who was made without one."""
        return [row["custom_id"] async for row in self._rows("customers")]

    async def _rows(self, plural: str) -> AsyncIterator[dict[str, Any]]:
        """Go through all pages of a list."""
        page, pages = 1, 1
        while page <= pages:
            query = {"page": str(page), "page_size": str(_PAGE_SIZE), "sort_order": "asc"}
            answer = await self._call("GET", plural, query=query)
            for row in answer[plural]:
                yield row
            page, pages = page + 1, int(answer["total_pages"])

    async def _report(self, name: str, **query: str) -> dict[str, Any]:
        report: dict[str, Any] = (await self._call("GET", name, query=query))[name]
        return report

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> dict[str, Any]:
        target = f"{_API}/{path}" + (f"?{urlencode(query)}" if query else "")
        signed_at = format_datetime(self._now(), usegmt=True)
        signed = signing.signature(self._consumer.client_secret, signed_at, method, target)
        headers = {
            "Date": signed_at,
            "Authorization": signing.authorization(self._consumer.client_id, signed),
            "Content-Type": "application/json",
        }
        sent = None if body is None else json.dumps(body).encode()
        url = URL(self._url + target, encoded=True)
        async with self._session.request(method, url, data=sent, headers=headers) as answer:
            text = await answer.text()
            if answer.status not in {200, 201}:
                raise JurnalRefused(f"{method} {path}: {answer.status} {text}")
        answered: dict[str, Any] = json.loads(text, parse_float=Decimal)
        return answered


def _figure(written: str) -> Decimal:
    """Read " 1.234,00" and "( 1.234,00)"; the sign is the caller's to see."""
    match = _FIGURE.fullmatch(written)
    if match is None:
        raise AssertionError(f"no figure: {written!r}")
    figure = Decimal(match["figure"].replace(".", "").replace(",", "."))
    return -figure if written.endswith(")") else figure
