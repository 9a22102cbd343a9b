"""Answers: JSON of Structs with decimals as plain strings, and problems (RFC 9457)."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from eventstore.connection import CONNECTION_ERRORS
from service.api.rows import (
    Difference,
    Finding,
    InTransitRow,
    InvoiceStatus,
    LiveMode,
    Paused,
    SyncRecord,
    SyncStatus,
    UnsettledDay,
)
from service.telemetry.logs import LogEvent

RETRY_AFTER_SECONDS = 2
_LOG = structlog.get_logger()
_ENCODER = msgspec.json.Encoder()


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A refusal (RFC 9457). `type` names it for programs, `detail` says to a person what to do."""

    type: str
    title: str
    status: int
    detail: str
    findings: tuple[Finding, ...] = ()


class SyncPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of sync records. `counts` are of the same filters whatever the status, on the first page only.

    `next` is the address of the next page. `paused`: nothing is sent at the moment, and why.
    """

    records: tuple[SyncRecord, ...]
    counts: dict[SyncStatus, int] | None
    paused: Paused | None
    next: str | None


class RetriedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which records go again. `left` stand behind them (10,000: at least); send the call again with `after` = `next`.

    `untouched`: records that cannot be retried, with the reason.
    """

    retried: tuple[str, ...]
    untouched: dict[str, str]
    left: int
    next: str | None


class StorePage(msgspec.Struct, frozen=True, kw_only=True):
    """A store today: whether it is live and sends, and what iSeller still owes it."""

    store: str
    today: dt.date
    live_mode: LiveMode | None
    paused: Paused | None
    unsettled_total: Decimal
    unsettled: tuple[UnsettledDay, ...]


class SendingChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The decision that counts stands in the ledger at `position`."""

    position: int


class InTransitPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of goods on their way; `totals` are of the whole store, by SKU."""

    rows: list[InTransitRow]
    totals: dict[str, Decimal]
    next: str | None


class ShownInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as a person sees it today."""

    order_reference: str
    transaction_no: str | None
    date: dt.date
    due_date: dt.date
    total: Decimal
    paid: Decimal
    remaining: Decimal
    status: InvoiceStatus


class Rounded(msgspec.Struct, frozen=True, kw_only=True):
    """How many invoices took rounding beyond iSeller's own, and how much in all, IDR, signed.

    It is at most Rp 1 for each taxed or weighed line of an invoice.
    """

    invoices: int
    amount: Decimal


class InvoicePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of invoices; `counts` and `rounded` are of the whole store, at `today`, its local date."""

    invoices: list[ShownInvoice]
    counts: dict[InvoiceStatus, int]
    rounded: Rounded
    today: dt.date
    next: str | None


class DifferencePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what differs between the ledger and Jurnal, as the last comparison of its day found it."""

    differences: list[Difference]
    next: str | None


class StreamFact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact as stored. Personal values stand as tokens in `body`; `sealed` tells whether any were sealed."""

    position: int
    version: int
    type: str
    schema_version: int
    source_id: str
    observed_at: dt.datetime
    recorded_at: dt.datetime
    hash: str
    sealed: bool
    metadata: msgspec.Raw
    body: msgspec.Raw


class StreamPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of one stream, oldest first."""

    store: str
    stream: str
    facts: list[StreamFact]
    next: str | None


class PreflightReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the store may go live; `findings` say what to mend first."""

    ready: bool
    findings: tuple[Finding, ...]
    live_mode: LiveMode | None


def json_response(answer: msgspec.Struct, *, status: int = 200) -> web.Response:
    """Return `answer` as JSON; every decimal as a string without exponent or trailing zeros."""
    return web.Response(body=_ENCODER.encode(_plain(answer)), status=status, content_type="application/json")


def problem(
    status: int,
    name: str,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    findings: tuple[Finding, ...] = (),
) -> web.Response:
    """Return a refusal; `name` (kebab-case) becomes its `type`."""
    answer = Problem(
        type=f"urn:jurnalsync:problem:{name}", title=title, status=status, detail=detail, findings=findings
    )
    return web.Response(
        body=_ENCODER.encode(answer), status=status, headers=headers, content_type="application/problem+json"
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what no handler answers as a problem: unmatched routes, the body limit, a lost database, a fault of ours.

    Goes behind the metrics and before everything else. The text of an unexpected error is logged and never sent.
    """
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if refusal.status < 400:
            raise
        name = refusal.reason.lower().replace(" ", "-")
        kept = {key: refusal.headers[key] for key in ("Allow", "Retry-After") if key in refusal.headers}
        detail = f"{request.method} {request.path} cannot be answered: {refusal.reason}"
        return problem(refusal.status, name, refusal.reason, detail, headers=kept)
    except CONNECTION_ERRORS:
        _LOG.warning(LogEvent.REQUEST_FAILED, route=_template(request), exc_info=True)
        return problem(
            503,
            "database-unreachable",
            "Database unreachable",
            f"The ledger cannot be reached; try again in {RETRY_AFTER_SECONDS} s.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    except Exception:  # noqa: BLE001 - whatever it is, the client gets a problem and the log the cause
        _LOG.exception(LogEvent.REQUEST_FAILED, route=_template(request))
        return problem(500, "internal-error", "Internal error", "The service failed; its log says why.")


def _template(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical


def _plain(answer: Any) -> Any:
    match answer:
        case msgspec.Struct():
            return {
                encoded: _plain(value)
                for name, encoded in zip(answer.__struct_fields__, answer.__struct_encode_fields__, strict=True)
                if (value := getattr(answer, name)) is not msgspec.UNSET
            }
        case Decimal():
            return plain_decimal(answer)
        case dict():
            return {key: _plain(value) for key, value in answer.items()}
        case list() | tuple():
            return [_plain(value) for value in answer]
        case _:
            return answer


def plain_decimal(value: Decimal) -> str:
    """Return `value` as people write it: `1500`, `0.25`, `0`; never `1.5E+3`, `0E-4` or `-0`."""
    if not value:
        return "0"
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
