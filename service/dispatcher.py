"""The only writer to Jurnal: takes what is due, sends it at most once, and appends what Jurnal answered as facts.

One step makes at most one call that sends, or one look-up, for a company. An attempt is recorded, with the Date it is
signed with, before anything goes over the wire; without a usable answer it is unknown, and only a probe after its fence
may call it absent.
"""

from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta

import asyncpg
import msgspec

from eventstore.connection import CONNECTION_ERRORS, Pool
from projections.jurnal_commands.queue import Send, SendQueue
from service.abreast import together
from service.answer_ledger import AnswerLedger
from service.choosing import BatchLimits, Chosen, Saving, Waiting, choose
from service.company_lease import CompanyLeases
from service.dispatched import Dispatched, told
from service.fence import Fence
from service.fresh_sale import FreshSale, FreshSales
from service.inquiry import Inquiry
from service.jurnal.pace import Purpose
from service.jurnal.refusals import SHORT_OF_STOCK_WORDS
from service.jurnal.standing import NotStanding
from service.jurnal_calls import Company, CredentialMissing, JurnalCalls
from service.looking_up import LookingUp
from service.postponing import Postponing
from service.quota import Spent
from service.restore_guard import RestoreGuard
from service.sending import Sending, unsent
from service.settling import Settling
from service.waiting_sends import WaitingSends

_LOST_SEEN_EARLY = timedelta(seconds=60)


class Lease(msgspec.Struct, frozen=True):
    """Our lease of a company: its epoch, and the database's time when it was taken or renewed."""

    epoch: int
    now: datetime


class Dispatcher:
    """Sends the commands of one company at a time, under its lease."""

    def __init__(  # noqa: PLR0913 - the parts it joins, each named by wiring
        self,
        pool: Pool,
        answers: AnswerLedger,
        queue: SendQueue,
        leases: CompanyLeases,
        calls: JurnalCalls,
        inquiry: Inquiry,
        fence: Fence,
        *,
        limits: BatchLimits = BatchLimits(),  # noqa: B008 - frozen
        stock_words: tuple[str, ...] = SHORT_OF_STOCK_WORDS,
        guard: RestoreGuard | None = None,
        young: Pool | None = None,
    ) -> None:
        """`stock_words`: what Jurnal's messages about too little stock say, in lower case; `guard` looks first.

        `young`: the connection on which a fresh sale goes, which keeps its plans for a while; None: `pool`.
        """
        self._guard = guard
        self._leases = leases
        self._calls = calls
        self._inquiry = inquiry
        self._limits = limits
        self._settling = Settling(pool, answers, queue, calls, fence)
        self._postponing = Postponing(queue, self._settling)
        self._looking_up = LookingUp(answers, queue, calls, inquiry, self._settling, fence)
        self._sending = Sending(
            queue, leases, calls, inquiry, self._settling, self._looking_up, self._postponing, fence,
            stock_words=stock_words,
        )  # fmt: skip
        self._waiting = WaitingSends(queue, fence, limits)
        self._fresh = None
        if guard is not None:
            self._fresh = FreshSales(
                pool, queue, leases, calls, inquiry, self._waiting, guard, limits=limits, young=young
            )
        # The epoch under which a company's last step found nothing to do.
        self._idle: dict[str, int] = {}
        self._turns: dict[str, int] = {}
        self._in_vain: set[str] = set()

    async def step(self, company: Company, stores: tuple[str, ...], folded: str | None = None) -> Dispatched:
        """Make at most one call or look-up for `company`, whose commands stand in the ledgers of `stores`.

        `folded`: the one store that commands were folded of since the last step.
        """
        epoch = self._idle.pop(company.company_id, None)
        if epoch is not None and folded is not None and self._fresh is not None:
            fresh = await self._fresh.look(company, stores, folded, epoch)
            if fresh is not None:
                return await self._send_fresh(company, stores, fresh)
        return await self._step(company, stores)

    async def _send_fresh(self, company: Company, stores: tuple[str, ...], fresh: FreshSale) -> Dispatched:
        self._took(company, stores, fresh.send)
        sending = self._sending.send(company, (fresh.send,), Purpose.FRESH, fresh.epoch, fresh.now, fresh.seen)
        return await self._guarded([fresh.send], sending)

    async def _step(self, company: Company, stores: tuple[str, ...]) -> Dispatched:
        acquired, stopped = await together(self._leases.acquire(company.company_id), self._calls.stopped(company))
        if acquired is None:
            return Dispatched("not_ours")
        lease = Lease(*acquired)
        if stopped is not None and not stopped.is_due:
            return Dispatched("waited", outcome="breaker", wait_until=stopped.until)
        in_turn = self._in_turn(company, stores)
        ready = await self._waiting.recovered(company, in_turn, lease.now, lease.epoch)
        # When Jurnal is tried again, what may have been sent is asked for before its time: reading does no harm.
        seen_at = lease.now if stopped is None else lease.now + _LOST_SEEN_EARLY
        lost = await self._waiting.lost(company, ready, seen_at)
        if stopped is None and company.company_id in self._in_vain:
            # What cannot be looked up may never be, and would take every call: the others have one in between.
            self._in_vain.discard(company.company_id)
            done = await self._send_next(company, ready, stores, lease)
            if not lost or done.did not in ("nothing", "waited"):
                return done
        if lost:
            self._took(company, stores, lost[0])
            done = await self._guarded(lost, self._look_up(company, lost, lease.now))
            if "ProbeFailed" in done.outcomes:
                self._in_vain.add(company.company_id)
            return done
        done = await self._send_next(company, ready, stores, lease)
        if done.did == "nothing" and self._fresh is not None:
            await self._fresh.plan(company, stores)
            self._idle[company.company_id] = lease.epoch
        return done

    async def release(self, company: Company) -> None:
        """Give the company's lease up, so that another replica need not wait for it to run out."""
        await self._leases.release(company.company_id)

    async def _send_next(
        self, company: Company, ready: Sequence[str], stores: tuple[str, ...], lease: Lease
    ) -> Dispatched:
        """Send the next group; where that is of older business, what is of today or yesterday goes before it."""
        chosen = await self._choose(company, ready, lease.now)
        if chosen is None:
            return Dispatched("nothing")
        if isinstance(chosen, Saving):
            await self._calls.note_saving(company, chosen.until)
            return Dispatched("waited", outcome="saving", wait_until=chosen.until)
        if chosen.purpose is not Purpose.FRESH:
            # However long the queue before it, and whether or not the quota is what holds that up.
            fresh = await self._choose(company, ready, lease.now, fresh_alone=True)
            chosen = fresh if isinstance(fresh, Chosen) else chosen
        done = await self._send(company, stores, chosen, lease)
        if done.outcome != "quota":
            # Else its turn is not over: two stores could take turns at waiting and at sending.
            self._took(company, stores, min(chosen.sends, key=lambda send: ready.index(send.store_id)))
        return done

    async def _choose(
        self, company: Company, ready: Sequence[str], now: datetime, *, fresh_alone: bool = False
    ) -> Chosen | Saving | None:
        since = self._inquiry.fresh_since(now) if fresh_alone else None
        due = [
            Waiting(send, self._inquiry.purpose(send, now))
            for send in await self._waiting.due(company, ready, now, since=since)
        ]
        if fresh_alone:
            due = [each for each in due if each.purpose is Purpose.FRESH]
        return choose(due, ready, self._limits, now, is_short=self._calls.short(company, now))

    async def _send(self, company: Company, stores: Sequence[str], chosen: Chosen, lease: Lease) -> Dispatched:
        return await self._guarded(chosen.sends, self._send_after_look(company, stores, chosen, lease))

    async def _send_after_look(
        self, company: Company, stores: Sequence[str], chosen: Chosen, lease: Lease
    ) -> Dispatched:
        """Send, once it was looked whether Jurnal is ahead of the ledger."""
        if self._guard is not None:
            async with self._leases.kept(company.company_id):
                looked = await self._guard.step(company, stores, lease.epoch, lease.now)
            if looked is not True:
                return Dispatched("waited" if looked else "probed", outcome="looking", wait_until=looked or None)
        return await self._sending.send(company, chosen.sends, chosen.purpose, lease.epoch, lease.now)

    async def _look_up(self, company: Company, lost: Sequence[Send], now: datetime) -> Dispatched:
        """Look for a lost document, and with it for those that were lost in the same call."""
        async with self._leases.kept(company.company_id):
            if len(lost) == 1:
                return await self._probe(company, lost[0], now)
            looked = await self._looking_up.look_for(company, lost, now)
        kind = lost[0].kind
        if isinstance(looked, Spent):
            return Dispatched("waited", kind, "quota", looked.free_at)
        return told("probed", kind, looked)

    async def _probe(self, company: Company, send: Send, now: datetime) -> Dispatched:
        kind = type(send.command).__name__
        found = await self._looking_up.probe(company, send, now)
        if isinstance(found, Spent):
            return Dispatched("waited", kind, "quota", found.free_at)
        if isinstance(found, NotStanding):
            await self._settling.finish([unsent(send, found.reason)])
        self._postponing.went(send)
        return told("refused" if isinstance(found, NotStanding) else "probed", kind, [type(found).__name__])

    async def _guarded(self, sends: Sequence[Send], step: Awaitable[Dispatched]) -> Dispatched:
        """Let whatever is wrong with one call stop none of its neighbours; a lost database concerns them all."""
        try:
            return await step
        except CONNECTION_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - logged; the other commands go on
            # One of several may have spoilt it for all.
            is_passing = isinstance(error, (CredentialMissing, asyncpg.TransactionRollbackError))
            alone = len(sends) > 1 and not is_passing
            put_off = [await self._postponing.put_off_longer(send, error, alone=alone) for send in sends]
            return put_off[0]

    def _in_turn(self, company: Company, stores: tuple[str, ...]) -> tuple[str, ...]:
        """Take the stores in turn, so that a busy one starves none."""
        turn = self._turns.get(company.company_id, 0) % max(1, len(stores))
        return (*stores[turn:], *stores[:turn])

    def _took(self, company: Company, stores: tuple[str, ...], send: Send) -> None:
        self._turns[company.company_id] = stores.index(send.store_id) + 1
