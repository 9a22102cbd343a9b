"""What a call may ask: query parameters and bodies as Structs, with their limits."""

import datetime as dt
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from service.api.responses import problem
from service.api.rows import InvoiceStatus, SyncStatus

BODY_BYTES_MAX = 4_096

Key = Annotated[str, Meta(min_length=1, max_length=300)]
Limit = Annotated[int, Meta(ge=1, le=500, description="rows on a page")]


class RequestRefused(Exception):
    """The call cannot be taken as it is; `response` says why."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class SyncQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sync records; `after` is the record_id to go on behind."""

    status: SyncStatus | None = None
    kind: Key | None = None
    limit: Limit = 100
    after: Key | None = None


class InTransitQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which goods in transit; the two `after` name the row to go on behind, together."""

    limit: Limit = 100
    after_transfer_id: Key | None = None
    after_sku: Key | None = None


class InvoiceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which invoices, by the status shown today; `after` is the number to go on behind."""

    status: InvoiceStatus | None = None
    limit: Limit = 100
    after: Key | None = None


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which facts of a stream."""

    after_version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=100, description="facts on a page")] = 100


class LiveModeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who activates Live Mode: a user or role name, kept in the ledger."""

    actor: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]


class SyncRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send what waits of these dates of the store, both included. Who asks and why are kept in the ledger."""

    scope: Literal["transfers"]
    first: dt.date
    last: dt.date
    actor: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
    reason: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]


Asked = TypeVar("Asked", bound=msgspec.Struct)


def query_of(request: web.Request, kind: type[Asked]) -> Asked:
    """Return the query parameters; an empty one counts as absent. Raises `RequestRefused` (400)."""
    given = {name: value for name, value in request.query.items() if value}
    if len(request.query) != len(set(request.query)):
        wrong = "A parameter stands twice"
    elif not all(value.isprintable() for value in given.values()):
        wrong = "A parameter holds control characters"
    else:
        try:
            return msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as error:
            wrong = str(error)
    raise RequestRefused(problem(400, "invalid-parameter", "Invalid parameter", f"{wrong}."))


async def body_of(request: web.Request, kind: type[Asked]) -> Asked:
    """Return the JSON body. Raises `RequestRefused` (400 no JSON, 413 too large, 422 not what is asked for)."""
    raw = await request.read()
    if len(raw) > BODY_BYTES_MAX:
        detail = f"The body may have {BODY_BYTES_MAX} bytes."
        raise RequestRefused(problem(413, "body-too-large", "Body too large", detail))
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise RequestRefused(problem(422, "invalid-body", "Invalid body", f"{error}.")) from None
    except msgspec.DecodeError as error:
        raise RequestRefused(problem(400, "malformed-body", "Malformed body", f"Send JSON: {error}.")) from None


def path_part(request: web.Request, name: str) -> str | None:
    """Return a part of the path, or None if it cannot name anything: Postgres stores no NUL."""
    value = request.match_info[name]
    return value if value.isprintable() else None
