"""What a call may ask: query parameters and bodies as Structs, with their limits."""

import datetime as dt
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from service.api.responses import problem
from service.api.rows import (
    SYNC_STATUSES,
    Decision,
    DifferenceKind,
    InvoiceStatus,
    SyncFilter,
    SyncPlace,
    SyncScope,
    SyncSort,
    SyncStatus,
)

BODY_BYTES_MAX = 4_096

Key = Annotated[str, Meta(min_length=1, max_length=300)]
Limit = Annotated[int, Meta(ge=1, le=500, description="rows on a page")]


Actor = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S", description="a user or role name")]
Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
_STATUS = "|".join(SYNC_STATUSES)
Statuses = Annotated[str, Meta(pattern=rf"^({_STATUS})(,({_STATUS}))*$", description="one or several, with commas")]
Kinds = Annotated[str, Meta(pattern=r"^[a-z_]+(,[a-z_]+)*$", max_length=300, description="one or several, with commas")]
SearchedText = Annotated[
    str, Meta(min_length=1, max_length=200, description="anywhere in reference, id or reason, in any case")
]
SyncAfter = Annotated[str, Meta(pattern=r"^-?[0-9]{1,18}~.+$", max_length=330, description="as `next` names it")]


class RequestRefused(Exception):
    """The call cannot be taken as it is; `response` says why."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(response.status)
        self.response = response


class SyncQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sync records; `first` and `last` are dates of the store, `after` the place to go on behind."""

    status: Statuses | None = None
    kind: Kinds | None = None
    outlet: Key | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    text: SearchedText | None = None
    sort: SyncSort = "newest"
    limit: Limit = 100
    after: SyncAfter | None = None

    @property
    def filter(self) -> SyncFilter:
        """The records wanted."""
        return SyncFilter(
            statuses=_listed(self.status),
            kinds=_listed(self.kind),
            outlet=self.outlet,
            first=self.first,
            last=self.last,
            text=self.text,
        )


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


class DifferenceQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which differences between the ledger and Jurnal; `after` is the id to go on behind."""

    kind: DifferenceKind | None = None
    limit: Limit = 100
    after: Key | None = None


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which facts of a stream."""

    after_version: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=100, description="facts on a page")] = 100


class LiveModeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who activates Live Mode; kept in the ledger."""

    actor: Actor


class DecisionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who decides this, and why; both are kept in the ledger."""

    actor: Actor
    reason: Reason

    @property
    def decision(self) -> Decision:
        """The decision as it is kept."""
        return Decision(self.actor, self.reason)


class RetryRequest(DecisionRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let all records go again that these filters find, `limit` at most; `after` is the place to go on behind."""

    statuses: tuple[SyncStatus, ...] = ("Failed",)
    kinds: tuple[Key, ...] = ()
    outlet: Key | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    text: SearchedText | None = None
    limit: Limit = 500
    after: SyncAfter | None = None

    @property
    def filter(self) -> SyncFilter:
        """The records wanted."""
        return SyncFilter(
            statuses=self.statuses,
            kinds=self.kinds,
            outlet=self.outlet,
            first=self.first,
            last=self.last,
            text=self.text,
        )


class SyncRequest(DecisionRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send what waits of these dates of the store, both included; for sales, iSeller's orders are read again."""

    scope: SyncScope
    first: dt.date
    last: dt.date


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


async def body_of(request: web.Request, kind: type[Asked], *, bytes_max: int = BODY_BYTES_MAX) -> Asked:
    """Return the JSON body. Raises `RequestRefused` (400 no JSON, 413 too large, 422 not what is asked for)."""
    raw = await request.read()
    if len(raw) > bytes_max:
        detail = f"The body may have {bytes_max} bytes."
        raise RequestRefused(problem(413, "body-too-large", "Body too large", detail))
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise RequestRefused(problem(422, "invalid-body", "Invalid body", f"{error}.")) from None
    except msgspec.DecodeError as error:
        raise RequestRefused(problem(400, "malformed-body", "Malformed body", f"Send JSON: {error}.")) from None


def place_of(after: str | None) -> SyncPlace | None:
    """Return the place that `after` names."""
    if after is None:
        return None
    at, _, record_id = after.partition("~")
    return SyncPlace(int(at), record_id)


def named(place: SyncPlace) -> str:
    """Return how `after` names a place."""
    return f"{place.at}~{place.record_id}"


def _listed(words: str | None) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(words.split(","))) if words else ()


def path_part(request: web.Request, name: str) -> str | None:
    """Return a part of the path, or None if it cannot name anything: Postgres stores no NUL."""
    value = request.match_info[name]
    return value if value.isprintable() else None
