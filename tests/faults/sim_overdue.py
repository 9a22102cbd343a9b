"""A call for several documents that Jurnal works on for longer than its caller allows for.

It commits at the worst moment there is: right after the first look-up past the fence has not found it. Whoever then
asks for its documents once more, each by itself, is told that they are there; whoever asks for all of them makes them
twice.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

from aiohttp import web

from ops.sandbox.dice import Dice
from ops.sandbox.jurnal.faults import Fault, FaultPlan
from tests.faults.sim_jurnal import DATE_SKEW_SECONDS

# No fault of the sandbox lasts so long: this one ends by an event.
_UNTIL_TOLD = 1_000_000.0
_FENCE_SECONDS = DATE_SKEW_SECONDS + 10
_AFTERWARDS_SECONDS = 0.001


class Overdue:
    """The work of one company that is not done yet; `ended`: some was done after it had been called absent."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._looked_for = asyncio.Event()
        self._since: datetime | None = None
        self.ended = False

    async def wait(self, seconds: float) -> None:
        """Let seconds pass, or wait until the overdue work has been looked for in vain."""
        if seconds == _UNTIL_TOLD:
            await self._looked_for.wait()
        else:
            await asyncio.sleep(seconds)

    def among(self, others: Fault, dice: Dice, share: float, injected: Counter[str]) -> Callable[..., FaultPlan | None]:
        """Return the faults with this one among them, one call at a time."""
        loop = asyncio.get_running_loop()

        def fault(request: web.Request) -> FaultPlan | None:
            planned = others(request)
            is_batch = request.method == "POST" and request.path.endswith("/batch_create")
            if is_batch and self._since is None and dice.chance(share):
                self._since, self._looked_for = _signed_at(request), asyncio.Event()
                injected["overdue batch"] += 1
                return FaultPlan(delay_before_commit_seconds=_UNTIL_TOLD)
            is_late = self._since is not None and (self._now() - self._since).total_seconds() > _FENCE_SECONDS
            if request.method == "GET" and is_late:
                self._since, self.ended = None, True
                loop.call_later(_AFTERWARDS_SECONDS, self._looked_for.set)
            return planned

        return fault


def _signed_at(request: web.Request) -> datetime:
    """Return from when on its caller counts, however late a request arrives."""
    return parsedate_to_datetime(request.headers["Date"])
