"""How a Jurnal company stands now: its plan, its closed books, its clock, and what is left of its quota."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from eventstore.connection import Pool
from eventstore.database_clock import database_now
from service.jurnal.dated import told_at
from service.jurnal.exchange import API, JurnalRequest, NoAnswer, Response
from service.jurnal.pace import Purpose
from service.jurnal.reading import read_last_closed_day
from service.jurnal_calls import Company, JurnalCalls
from service.master_data import LookupFailed
from service.quota import Spent

_COMPANY = f"{API}/companies/active"
# Beside the API's versions; most companies' answer is 404.
_MONTH = "/public/jurnal/sales_invoices/quota_summary"


class CompanyLook(msgspec.Struct, frozen=True, kw_only=True):
    """What one look tells. `status`: of the company's answer; 200 alone tells of plan and books.

    `clock_off_seconds`: Jurnal's clock minus ours, None where it told none. `calls_left`: by minute, hour and month, as
    far as Jurnal tells.
    """

    status: int
    inventory: bool = True
    package: str = ""
    books_closed: date | None = None
    clock_off_seconds: float | None = None
    calls_left: dict[str, int] = {}


class CompanyLooker:
    """Looks at companies: two calls a look."""

    def __init__(self, pool: Pool, calls: JurnalCalls) -> None:
        self._pool = pool
        self._calls = calls

    async def look(self, company: Company) -> CompanyLook | LookupFailed:
        """Return how the company stands. Raises `CredentialMissing`."""
        answer = await self._calls.read(company, JurnalRequest(method="GET", path=_COMPANY), Purpose.FRESH)
        match answer:
            case Spent():
                return LookupFailed(answer.reason, answer)
            case NoAnswer():
                return LookupFailed(answer.reason)
            case Response():
                pass
        async with self._pool.acquire() as connection:
            now = await database_now(connection)
        look = CompanyLook(
            status=answer.status,
            clock_off_seconds=_clock_off(answer, now),
            calls_left=_left(answer.headers),
        )
        if answer.status != 200:
            return look
        return await self._with_month(company, _told(look, _object(answer.body)))

    async def _with_month(self, company: Company, look: CompanyLook) -> CompanyLook:
        answer = await self._calls.read(company, JurnalRequest(method="GET", path=_MONTH), Purpose.FRESH)
        if not isinstance(answer, Response) or answer.status != 200:
            return look
        left = _object(answer.body).get("remaining_quota")
        if not isinstance(left, int):
            return look
        return msgspec.structs.replace(look, calls_left={**look.calls_left, "month": left})


def _told(look: CompanyLook, body: Mapping[str, Any]) -> CompanyLook:
    feature, company = body.get("feature"), body.get("company")
    return msgspec.structs.replace(
        look,
        inventory=not (isinstance(feature, dict) and feature.get("warehouse") is False),
        package=str(body.get("company_package") or ""),
        books_closed=read_last_closed_day(company),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _clock_off(answer: Response, now: datetime) -> float | None:
    told = told_at(answer)
    return None if told is None else (told - now).total_seconds()


def _left(headers: Mapping[str, str]) -> dict[str, int]:
    told = {word: headers.get(f"x-ratelimit-remaining-{word}", "") for word in ("minute", "hour")}
    return {word: int(text) for word, text in told.items() if text.isdecimal()}
