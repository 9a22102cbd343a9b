"""What the demo asks the service over its HTTP API, and one picture of everything at a moment."""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

_PAGE_ROWS = 500
_CALL_SECONDS_MAX = 10.0


class ApiUnreachable(Exception):
    """The API did not answer; right after a kill that is to be expected."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The service's own account: sync and invoices by status, in transit by SKU, and the newest records asked for."""

    sync: dict[str, int]
    in_transit: dict[str, Decimal]
    invoices: dict[str, int]
    records: list[dict[str, Any]]

    @property
    def moving(self) -> int:
        """How many sync records are still on their way."""
        return sum(self.sync.get(status, 0) for status in ("Held", "Pending", "Processing"))


class ServiceApi:
    """The API of one store; of a view, so many records are asked for."""

    def __init__(self, session: ClientSession, url: str, store: str, token: str, *, records_seen: int) -> None:
        self._records_seen = records_seen
        self._session = session
        self._url = url
        self._path = f"/v1/stores/{store}"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def view(self) -> View:
        """Read sync, in transit and invoices. Raises `ApiUnreachable`."""
        sync = await self._read(f"{self._path}/sync?limit={self._records_seen}")
        in_transit = await self._read(f"{self._path}/in-transit?limit=1")
        invoices = await self._read(f"{self._path}/invoices?limit=1")
        return View(
            sync=sync["counts"],
            in_transit={sku: Decimal(quantity) for sku, quantity in sorted(in_transit["totals"].items())},
            invoices=invoices["counts"],
            records=sorted(sync["records"], key=lambda record: -int(record["updated_position"])),
        )

    async def records(self, **query: str) -> list[dict[str, Any]]:
        """Return every sync record that fits the query."""
        asked = "".join(f"&{name}={value}" for name, value in query.items())
        following: str | None = f"{self._path}/sync?limit={_PAGE_ROWS}{asked}"
        records: list[dict[str, Any]] = []
        while following is not None:
            page = await self._read(following)
            records += page["records"]
            following = page["next"]
        return records

    async def preflight(self) -> list[dict[str, Any]]:
        """Return what stands in the way of Live Mode."""
        findings: list[dict[str, Any]] = (await self._read(f"{self._path}/preflight"))["findings"]
        return findings

    async def activate_live_mode(self, actor: str) -> int:
        """Switch Live Mode on; return the HTTP status."""
        status, _ = await self._call("POST", f"{self._path}/live-mode", body={"actor": actor})
        return status

    async def try_to_deactivate_live_mode(self) -> int:
        """Ask for what is always refused; return the HTTP status."""
        status, _ = await self._call("DELETE", f"{self._path}/live-mode")
        return status

    async def decide(self, record_id: str, decision: str, actor: str, reason: str) -> None:
        """Let a record be retried or skipped. Raises `ApiUnreachable` when it is not."""
        path = f"{self._path}/sync/{quote(record_id, safe='')}/{decision}"
        status, answer = await self._call("POST", path, body={"actor": actor, "reason": reason})
        if status not in {200, 202}:
            raise ApiUnreachable(f"{path} answered {status}: {answer}")

    async def send_by_hand(self, scope: str, first: date, last: date, actor: str) -> None:
        """Ask that what waits of these dates is sent. Raises `ApiUnreachable` when that is not taken."""
        path = f"{self._path}/sync-requests"
        asked = {"scope": scope, "first": first, "last": last, "actor": actor, "reason": "The day is over"}
        status, answer = await self._call("POST", path, body=asked)
        if status not in {200, 202}:
            raise ApiUnreachable(f"{path} answered {status}: {answer}")

    async def _read(self, path: str) -> dict[str, Any]:
        status, answer = await self._call("GET", path)
        if status != 200:
            raise ApiUnreachable(f"{path} answered {status}: {answer}")
        return answer

    async def _call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        sent = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(
                method,
                self._url + path,
                data=sent,
                headers={**self._headers, "Content-Type": "application/json"},
                timeout=ClientTimeout(total=_CALL_SECONDS_MAX),
            ) as answer:
                return answer.status, msgspec.json.decode(await answer.read(), type=dict[str, Any])
        except (ClientError, TimeoutError, OSError, msgspec.DecodeError) as error:
            raise ApiUnreachable(f"{method} {path}: {type(error).__name__}") from error
