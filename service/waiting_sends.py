"""What of a company's stores may go now, or must be looked up, once their ledgers are folded far enough."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from projections.jurnal_commands import commands
from projections.jurnal_commands.queue import FIRST, Asked, Place, Send, SendQueue
from service.abreast import together
from service.choosing import BatchLimits
from service.fence import Fence
from service.jurnal.batch_look_up import LISTED
from service.jurnal.batching import BATCHED
from service.jurnal_calls import Company

# What an earlier release wrote has no kind, and goes by itself.
KINDS = (*commands.KINDS, "")
_ADOPT_EVERY = timedelta(seconds=60)
_DuePlace = tuple[datetime, str]


class _Adopting(NamedTuple):
    """A look for lost rows under a lease: where it goes on; None: it came to its end at `ended_at`."""

    epoch: int
    ended_at: datetime
    behind: Place | None


class WaitingSends:
    """Reads the queues of stores; what was cut off is made unknown first."""

    def __init__(self, queue: SendQueue, fence: Fence, limits: BatchLimits) -> None:
        self._queue = queue
        self._fence = fence
        self._limits = limits
        self._resume_from: dict[str, tuple[int, int]] = {}
        self._adopted: dict[tuple[str, str], _Adopting] = {}
        self._swept_to: dict[tuple[str, str], dict[str, _DuePlace]] = {}

    async def recovered(self, company: Company, stores: Sequence[str], now: datetime, epoch: int) -> tuple[str, ...]:
        """Make unknown what was cut off; return the stores that may be looked into."""
        able = []
        for store_id in stores:
            if await self._caught_up(store_id, epoch):
                await self._recover(company, store_id, now, epoch)
                able.append(store_id)
        return tuple(able)

    def is_caught_up(self, store_id: str, epoch: int) -> bool:
        """Tell whether all that the ledger held when this lease began is known to be folded."""
        return self._resume_from.get(store_id) == (0, epoch)

    async def _recover(self, company: Company, store_id: str, now: datetime, epoch: int) -> None:
        """Look for lost rows when a lease begins, and now and then: all that is due, a stretch of it each step."""
        key = (company.company_id, store_id)
        known = self._adopted.get(key)
        fence_from = self._fence.full(now)
        behind = FIRST if known is None or known.epoch != epoch else known.behind
        if behind is None and known is not None and now - known.ended_at >= _ADOPT_EVERY:
            behind = FIRST
        if behind is not None:
            adopted = await self._queue.adopt(
                store_id, company.company_id, now=now, fence_from=fence_from, behind=behind
            )
            self._adopted[key] = _Adopting(epoch, now, adopted.behind)
        await self._queue.recover(store_id, company.company_id, now=now, fence_from=fence_from)

    async def lost(self, company: Company, stores: Sequence[str], now: datetime) -> tuple[Send, ...]:
        """Return the first that must be looked up: it comes before everything that waits, paused or not.

        Of what a list tells of, with all that was lost in the same call.
        """
        for store_id in stores:
            send = await self._queue.unknown(store_id, company.company_id, now=now)
            if send is not None and send.batch_id is not None and send.kind in LISTED:
                return await self._of_call(company, stores, send.batch_id, now) or (send,)
            if send is not None:
                return (send,)
        return ()

    async def _of_call(
        self, company: Company, stores: Sequence[str], batch_id: UUID, now: datetime
    ) -> tuple[Send, ...]:
        found: list[Send] = []
        for store_id in stores:
            found += await self._queue.unknown_of(store_id, company.company_id, batch_id, now=now)
        return tuple(found)

    async def due(
        self, company: Company, stores: Sequence[str], now: datetime, *, since: date | None = None
    ) -> list[Send]:
        """Return what may go now, oldest first; `since`: business of that day or later alone."""
        found: dict[tuple[str, str], Send] = {}
        for store_id in stores:
            # A pause is looked at once more when attempts begin.
            paused, sends = await together(self._queue.paused(store_id), self._due_of(company, store_id, now, since))
            if not paused:
                found |= {send.key: send for send in sends}
        return sorted(found.values(), key=lambda send: (send.due_at, send.command_id))

    async def _due_of(self, company: Company, store_id: str, now: datetime, since: date | None) -> Sequence[Send]:
        """Look at the front of every kind's queue, and at one more stretch of those whose front is long.

        What stands at the front may be held up for ever by what was refused before it in its lane: what stands behind
        it comes in sight stretch by stretch, look by look.
        """
        swept_to = self._swept_to.setdefault((company.company_id, store_id), {})
        asked = [Asked(kind=kind, rows_max=self._rows_max(kind)) for kind in KINDS]
        if since is None:
            asked += [
                Asked(kind=kind, rows_max=self._rows_max(kind), behind=behind) for kind, behind in swept_to.items()
            ]
        ready = await self._queue.ready(store_id, company.company_id, asked, now=now, since=since)
        if since is None:
            self._swept_to[company.company_id, store_id] = dict(ready.more)
        return ready.sends

    def _rows_max(self, kind: str) -> int:
        return self._limits.rows_max if kind in BATCHED else 1

    async def _caught_up(self, store_id: str, epoch: int) -> bool:
        """Tell whether all that the ledger held when this lease began is folded, commands and settings.

        Jurnal's answers are facts: a command may look due only because its answer was not folded yet, as after a
        restore or a projection folded anew.
        """
        position, known_epoch = self._resume_from.get(store_id, (0, 0))
        if known_epoch != epoch:
            position = await self._queue.ledger_end(store_id)
            self._resume_from[store_id] = (position, epoch)
        return position == 0 or await self._folded_to(store_id, epoch, position)

    async def _folded_to(self, store_id: str, epoch: int, position: int) -> bool:
        if await self._queue.folded_position(store_id) < position:
            return False
        self._resume_from[store_id] = (0, epoch)
        return True
