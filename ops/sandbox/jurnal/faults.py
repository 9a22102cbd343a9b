"""What may go wrong between a caller and Jurnal, each kind by its name, chosen by hand or from a seed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Literal

from aiohttp import web


class FaultKind(StrEnum):
    """Every fault there is. From key_race on they are no matter of one request: see settings and `JurnalSandbox`."""

    TIMEOUT_AFTER_COMMIT = "timeout_after_commit"
    RESET_AFTER_COMMIT = "reset_after_commit"
    BAD_GATEWAY_AFTER_COMMIT = "bad_gateway_after_commit"
    GATEWAY_TIMEOUT_AFTER_COMMIT = "gateway_timeout_after_commit"
    SLOW_ANSWER = "slow_answer"
    LATE_REQUEST = "late_request"
    CUSTOM_ID_TAKEN = "custom_id_taken"
    NUMBER_TAKEN = "number_taken"
    MINUTE_LIMIT = "minute_limit"
    MONTH_LIMIT = "month_limit"
    CLOCK_SKEW = "clock_skew"
    OTHER_ABSENT = "other_absent"
    FIELDS_DROPPED = "fields_dropped"
    BODY_TRUNCATED = "body_truncated"
    BODY_NOT_JSON = "body_not_json"
    ROW_REFUSED = "row_refused"
    BATCH_STILL_COMMITTING = "batch_still_committing"
    KEY_RACE = "key_race"
    BATCH_UNCHECKED = "batch_unchecked"
    EDITED_BY_HAND = "edited_by_hand"
    DELETED_BY_HAND = "deleted_by_hand"
    RESTART = "restart"
    PLANNED = "planned"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """How a request gets to the gateway: signature, date and quota are checked when it is there.

    A late one has lost its caller: the connection is cut at once and the work is done unseen, if it still passes.
    `clock_off_seconds` is how far Jurnal's clock is from the caller's.
    """

    late_seconds: float = 0
    clock_off_seconds: float = 0
    kind: FaultKind = FaultKind.PLANNED


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultPlan:
    """The course of one request. The parts happen in the order of the fields.

    `status_before_commit` answers without running the operation (429 looks like the gateway's own, `month_limit` says
    that the package is spent). `fields_dropped` are lost from the body without a word. `number_taken` answers 409 with
    the id of another document and makes nothing. `row_refused` refuses that row of a batch (counted from 0, and over
    again). `row_seconds` lie between the rows of a batch, `answered_early` says 504 while they are still committing.
    `custom_id_taken` answers the 409 that a second delivery of the request would get. `close_after_commit` cuts the
    connection after the operation ran, `status_after_commit` replaces its answer, `absent_status` that of a missing
    record, `body_after_commit` its body.
    """

    delay_before_commit_seconds: float = 0
    status_before_commit: int | None = None
    month_limit: bool = False
    fields_dropped: frozenset[str] = frozenset()
    number_taken: bool = False
    row_refused: int | None = None
    row_seconds: float = 0
    answered_early: bool = False
    custom_id_taken: bool = False
    delay_after_commit_seconds: float = 0
    close_after_commit: bool = False
    status_after_commit: int | None = None
    absent_status: Literal[404, 422] | None = None
    body_after_commit: Literal["truncated", "not_json"] | None = None
    kind: FaultKind = FaultKind.PLANNED


Fault = Callable[[web.Request], FaultPlan | None]
OnTheWay = Callable[[web.Request], Arrival | None]


def no_fault(_request: web.Request) -> FaultPlan | None:
    """Leave every request alone."""
    return None


def straight(_request: web.Request) -> Arrival | None:
    """Let every request arrive at once."""
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spans:
    """How long things take in seconds, what may be dropped, how absence is told. Pairs are the least and the most."""

    silence: float = 600
    slow_answer: tuple[float, float] = (91, 130)
    late: tuple[float, float] = (60, 420)
    clock_off: tuple[float, float] = (301, 900)
    between_rows: tuple[float, float] = (0.5, 5)
    droppable: tuple[str, ...] = ("custom_id", "memo", "tags")
    absent: tuple[Literal[404, 422], ...] = (404, 422)


STANDARD = Spans()
ON_THE_WAY = (FaultKind.LATE_REQUEST, FaultKind.CLOCK_SKEW)
_ALWAYS_THE_SAME = {
    plan.kind: plan
    for plan in (
        FaultPlan(close_after_commit=True, kind=FaultKind.RESET_AFTER_COMMIT),
        FaultPlan(status_after_commit=502, kind=FaultKind.BAD_GATEWAY_AFTER_COMMIT),
        FaultPlan(status_after_commit=504, kind=FaultKind.GATEWAY_TIMEOUT_AFTER_COMMIT),
        FaultPlan(custom_id_taken=True, kind=FaultKind.CUSTOM_ID_TAKEN),
        FaultPlan(number_taken=True, kind=FaultKind.NUMBER_TAKEN),
        FaultPlan(status_before_commit=429, kind=FaultKind.MINUTE_LIMIT),
        FaultPlan(status_before_commit=429, month_limit=True, kind=FaultKind.MONTH_LIMIT),
        FaultPlan(body_after_commit="truncated", kind=FaultKind.BODY_TRUNCATED),
        FaultPlan(body_after_commit="not_json", kind=FaultKind.BODY_NOT_JSON),
    )
}


def _is_batch(request: web.Request) -> bool:
    return request.method == "POST" and request.path.endswith("/batch_create")


def _can_happen(kind: FaultKind, request: web.Request) -> bool:
    """Tell whether a kind makes sense for a request."""
    match kind:
        case FaultKind.ROW_REFUSED | FaultKind.BATCH_STILL_COMMITTING:
            return _is_batch(request)
        case FaultKind.CUSTOM_ID_TAKEN | FaultKind.NUMBER_TAKEN | FaultKind.FIELDS_DROPPED:
            return request.method == "POST" and not _is_batch(request)
        case FaultKind.OTHER_ABSENT:
            return request.method != "POST"
        case _:
            return True


class SeededFaults:
    """Chooses from a seed what happens to each request; a kind's share is of the requests it can happen to.

    The same seed and the same requests in the same order make the same faults. `methods` are those they happen to.
    Raises ValueError for a kind that is no matter of one request and for shares of more than 1 together.
    """

    def __init__(
        self,
        seed: int,
        shares: Mapping[FaultKind, float],
        *,
        spans: Spans = STANDARD,
        methods: Iterable[str] = ("GET", "POST", "PATCH", "PUT", "DELETE"),
    ) -> None:
        kinds = list(FaultKind)
        unknown = set(shares) - set(kinds[: kinds.index(FaultKind.KEY_RACE)])
        if unknown:
            raise ValueError(f"no fault of a single request: {', '.join(sorted(unknown))}")
        if sum(shares.values()) > 1:
            raise ValueError("the shares are more than 1 together")
        self._dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
        self._shares = dict(shares)
        self._spans = spans
        self._methods = frozenset(methods)

    def _draw(self, request: web.Request, kinds: Iterable[FaultKind]) -> FaultKind | None:
        """Draw one kind or none; every call draws once, whatever can happen."""
        drawn = self._dice.random()
        if request.method not in self._methods:
            return None
        for kind in kinds:
            if not _can_happen(kind, request):
                continue
            drawn -= self._shares[kind]
            if drawn < 0:
                return kind
        return None

    def on_the_way(self, request: web.Request) -> Arrival | None:
        """Choose how a request arrives."""
        kind = self._draw(request, [kind for kind in self._shares if kind in ON_THE_WAY])
        if kind is FaultKind.LATE_REQUEST:
            return Arrival(late_seconds=self._dice.uniform(*self._spans.late), kind=kind)
        if kind is FaultKind.CLOCK_SKEW:
            off = self._dice.uniform(*self._spans.clock_off)
            return Arrival(clock_off_seconds=self._dice.choice((-off, off)), kind=kind)
        return None

    def __call__(self, request: web.Request) -> FaultPlan | None:
        """Choose the course of a request that has arrived."""
        kind = self._draw(request, [kind for kind in self._shares if kind not in ON_THE_WAY])
        return None if kind is None else self._plan(kind)

    def _plan(self, kind: FaultKind) -> FaultPlan:
        """Return the course of a kind, with the durations and fields it leaves open drawn."""
        spans, dice = self._spans, self._dice
        match kind:
            case FaultKind.TIMEOUT_AFTER_COMMIT | FaultKind.SLOW_ANSWER:
                silent = kind is FaultKind.TIMEOUT_AFTER_COMMIT
                seconds = spans.silence if silent else dice.uniform(*spans.slow_answer)
                return FaultPlan(delay_after_commit_seconds=seconds, close_after_commit=silent, kind=kind)
            case FaultKind.OTHER_ABSENT:
                return FaultPlan(absent_status=dice.choice(spans.absent), kind=kind)
            case FaultKind.FIELDS_DROPPED:
                return FaultPlan(fields_dropped=frozenset({dice.choice(spans.droppable)}), kind=kind)
            case FaultKind.ROW_REFUSED:
                return FaultPlan(row_refused=dice.randrange(100), kind=kind)
            case FaultKind.BATCH_STILL_COMMITTING:
                return FaultPlan(row_seconds=dice.uniform(*spans.between_rows), answered_early=True, kind=kind)
            case _:
                return _ALWAYS_THE_SAME[kind]
