"""What a request goes through, for the operation that runs it: its fault plan, how to wait, and what has happened."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from ops.sandbox.jurnal.faults import FaultKind, FaultPlan


@dataclass(frozen=True, slots=True)
class Course:
    """A plan and the means to follow it. `injected` counts what did happen, by kind."""

    plan: FaultPlan
    pause: Callable[[float], Awaitable[None]]
    injected: Counter[FaultKind]

    def happened(self) -> None:
        """Count the plan's fault as injected."""
        self.injected[self.plan.kind] += 1


COURSE = web.RequestKey("course", Course)


def course_of(request: web.Request) -> Course:
    """Return the course of a request inside the gateway."""
    return request[COURSE]
