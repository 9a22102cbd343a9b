"""What may go wrong with one request, chosen by a callable that sees the request."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultPlan:
    """The course of one request. The parts happen in the order of the fields.

    `status_before_commit` answers without running the operation (429 looks like the gateway's own);
    `close_after_commit` cuts the connection after it ran; `status_after_commit` replaces its answer.
    """

    delay_before_commit_seconds: float = 0
    status_before_commit: int | None = None
    delay_after_commit_seconds: float = 0
    close_after_commit: bool = False
    status_after_commit: int | None = None


Fault = Callable[[web.Request], FaultPlan | None]


def no_fault(_request: web.Request) -> FaultPlan | None:
    """Leave every request alone."""
    return None
