"""Asks Jurnal what must be known before a send, and whether a lost one was booked: look-ups of several calls each.

A look-up that a spent quota stops goes on where it stopped: begun anew each time, it would take every free place and
never come to its end.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from eventstore.facts.answers import Document
from projections.jurnal_commands.commands import CreateCustomer
from projections.jurnal_commands.queue import Send, SendQueue
from service.jurnal.batch_look_up import Looked, Lost, looking_for
from service.jurnal.contacts import has_own_key, key_to_use, probing_contact, whose
from service.jurnal.dated import asked_at
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, Steps
from service.jurnal.look_ups import Stands, earlier_needed, standing_for
from service.jurnal.needs import needed
from service.jurnal.outcome import Found, ProbeFailed, ProbeOutcome
from service.jurnal.pace import Purpose
from service.jurnal.payloads import PersonNames, request_for
from service.jurnal.probes import Before, probing
from service.jurnal.purpose import fresh_since, purpose_of
from service.jurnal.standing import Earlier, NotStanding, Standing
from service.jurnal_calls import Company, JurnalCalls
from service.master_data import LookupFailed, MasterDataDirectory, Missing
from service.people import People
from service.quota import Spent
from service.quota_wish import JAKARTA

T = TypeVar("T")
_Key = tuple[str, str, int, str]
# Longer than any window of the quota but the hour's; older answers are asked for again.
_PAUSE_MAX = timedelta(seconds=600)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A request with what it stands on. `earlier` is the document a command is about, where it must be known."""

    request: JurnalRequest
    standing: Standing
    earlier: Document | None


class Told(msgspec.Struct, Generic[T], frozen=True):
    """What a look-up told, its last answer, and when its first call was asked for (database time).

    `jurnal_at`: what Jurnal's own clock showed then at the earliest; None where no answer told a Date.
    """

    value: T
    answer: Response | NoAnswer
    began_at: datetime
    jurnal_at: datetime | None


class _Paused(msgspec.Struct, frozen=True):
    steps: Any
    request: JurnalRequest
    began_at: datetime
    jurnal_at: datetime | None


class Inquiry:
    """Prepares sends and looks for lost ones."""

    def __init__(
        self,
        queue: SendQueue,
        calls: JurnalCalls,
        directory: MasterDataDirectory,
        people: People,
        zone: ZoneInfo = JAKARTA,
    ) -> None:
        """`zone`: whose today and yesterday are fresh."""
        self._queue = queue
        self._calls = calls
        self._directory = directory
        self._people = people
        self._zone = zone
        self._paused: dict[_Key, _Paused] = {}
        self._kept: dict[_Key, tuple[Prepared, datetime]] = {}

    def purpose(self, send: Send, now: datetime) -> Purpose:
        """Return what the calls that send a command are for."""
        return purpose_of(send.command, now, self._zone)

    def fresh_since(self, now: datetime) -> date:
        """Return the first day whose business is fresh."""
        return fresh_since(now, self._zone)

    async def prepare(
        self, company: Company, send: Send, now: datetime
    ) -> Prepared | Missing | NotStanding | LookupFailed:
        """Return the request of a command with all that it names and hangs on."""
        prepared, at = self._kept.pop(_key(send), (None, now))
        if prepared is not None and now - at < _PAUSE_MAX:
            return prepared
        command = send.command
        resolved = await self._directory.resolve(send.store_id, company, needed(command))
        if isinstance(resolved, (Missing, LookupFailed)):
            return resolved
        earlier = await self._earlier(send)
        if isinstance(earlier, NotStanding):
            return earlier
        steps: Steps[Stands] = standing_for(command, resolved, earlier)
        standing = await self._standing(company, send, steps, now)
        if not isinstance(standing, Standing):
            return standing
        person = None
        if isinstance(command, CreateCustomer):
            person = await self._people.names(send.store_id, command.position)
            if send.vouched and has_own_key(command, send.command_id):
                keyed = await self._under_a_free_key(company, send, command, person, now)
                if isinstance(keyed, LookupFailed):
                    return keyed
                command = keyed
        request = request_for(command, send.command_id, resolved, person, standing)
        return Prepared(request=request, standing=standing, earlier=None if earlier is None else earlier.document)

    async def _standing(
        self, company: Company, send: Send, steps: Steps[Stands], now: datetime
    ) -> Standing | NotStanding | LookupFailed:
        told = await self._ask(company, _key(send), steps, now, self.purpose(send, now))
        if isinstance(told, Spent):
            return LookupFailed(told.reason, told)
        standing = told.value if isinstance(told, Told) else told
        return LookupFailed(standing.reason) if isinstance(standing, ProbeFailed) else standing

    async def learn_of_closed_books(self, company: Company, send: Send) -> None:
        """Look up to which day the books are closed, now that a document was refused for its date."""
        await self._directory.books_closed(send.store_id, company)

    def keep(self, send: Send, prepared: Prepared, now: datetime) -> None:
        """Keep what was prepared for a send that finds no place in the quota: its look-ups took the last one."""
        self._kept = {known: kept for known, kept in self._kept.items() if now - kept[1] < _PAUSE_MAX}
        self._kept[_key(send)] = (prepared, now)

    async def probe(self, company: Company, send: Send, now: datetime) -> Told[ProbeOutcome] | Spent | NotStanding:
        """Look for what a command made."""
        earlier = await self._earlier(send)
        if isinstance(earlier, NotStanding):
            return earlier
        told = await self._ask(company, _key(send), await self._steps(send, earlier), now, Purpose.PROBE)
        assert isinstance(told, (Told, Spent)), "every probe asks"
        return told

    async def look_for(self, company: Company, lost: Sequence[Send], now: datetime) -> Told[Looked] | Spent:
        """Look for what the attempts of one call made, by a list."""
        batch_id, signed_at = lost[0].batch_id, lost[0].signed_at
        steps = looking_for([Lost(send.command, send.command_id) for send in lost], signed_at)
        told = await self._ask(company, ("", str(batch_id), 0, "unknown"), steps, now, Purpose.PROBE)
        assert isinstance(told, (Told, Spent)), "every look-up asks"
        return told

    async def is_anothers(self, send: Send, found: Found) -> bool:
        """Tell whether a contact that has the customer's own id is somebody else's."""
        command = send.command
        if not isinstance(command, CreateCustomer):
            return False
        person = await self._people.names(send.store_id, command.position)
        others = await self._others(send, command)
        return whose(command, send.command_id, person, others, found) is not None

    async def _steps(self, send: Send, earlier: Earlier | None) -> Steps[ProbeOutcome]:
        command = send.command
        if isinstance(command, CreateCustomer) and has_own_key(command, send.command_id):
            person = await self._people.names(send.store_id, command.position)
            others = await self._others(send, command)
            return probing_contact(command, send.command_id, person, others, vouched=send.vouched)
        before = Before(
            signed_at=send.signed_at, credit=send.credit_before, owed=send.owed_before, vouched=send.vouched
        )
        return probing(command, send.command_id, earlier, before)

    async def _under_a_free_key(
        self, company: Company, send: Send, command: CreateCustomer, person: PersonNames, now: datetime
    ) -> CreateCustomer | LookupFailed:
        others = await self._others(send, command)
        steps = key_to_use(command, send.command_id, person, others)
        told = await self._ask(company, _key(send), steps, now, self.purpose(send, now))
        if isinstance(told, Spent):
            return LookupFailed(told.reason, told)
        assert isinstance(told, Told), "a key is looked up"
        return LookupFailed(told.value.reason) if isinstance(told.value, ProbeFailed) else told.value

    async def _others(self, send: Send, command: CreateCustomer) -> frozenset[int]:
        """Return the contacts of other customers with the same id; what is not folded yet is read in the ledger."""
        if command.own_id is None:
            return frozenset()
        folded = await self._queue.folded_position(send.store_id)
        since = await self._people.contacts_since(send.store_id, folded, send.command_id)
        bodies = await self._queue.contacts_of_others(send.store_id, send.command_id, command.own_id)
        return since.union(msgspec.json.decode(body, type=Document, strict=False).jurnal_id for body in bodies)

    async def _earlier(self, send: Send) -> Earlier | NotStanding | None:
        command_id = earlier_needed(send.command)
        if command_id is None:
            return None
        found = await self._queue.earlier(send.store_id, command_id)
        if found is None:
            return NotStanding(
                f"What this goes back on ({command_id}) was not booked by us: book it in Jurnal, then skip this"
            )
        command, body = found
        return Earlier(command, msgspec.json.decode(body, type=Document, strict=False))

    async def _ask(
        self, company: Company, key: _Key, steps: Steps[T], now: datetime, purpose: Purpose
    ) -> Told[T] | Spent | T:
        """Make the calls of a look-up; one that needs none tells its value at once."""
        paused = self._resumable(key, now)
        try:
            if paused is None:
                request, began_at, jurnal_at = next(steps), now, None
            else:
                steps, request = paused.steps, paused.request
                began_at, jurnal_at = paused.began_at, paused.jurnal_at
        except StopIteration as done:
            value: T = done.value
            return value
        while True:
            answer = await self._calls.read(company, request, purpose)
            if isinstance(answer, Spent):
                self._paused[key] = _Paused(steps, request, began_at, jurnal_at)
                return answer
            jurnal_at = _earlier_of(jurnal_at, answer)
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return Told(done.value, answer, began_at, jurnal_at)

    def _resumable(self, key: _Key, now: datetime) -> _Paused | None:
        self._paused = {known: paused for known, paused in self._paused.items() if now - paused.began_at < _PAUSE_MAX}
        return self._paused.pop(key, None)


def _earlier_of(known: datetime | None, answer: Response | NoAnswer) -> datetime | None:
    asked = asked_at(answer) if isinstance(answer, Response) else None
    return min((each for each in (known, asked) if each is not None), default=None)


def _key(send: Send) -> _Key:
    return send.store_id, send.command_id, send.attempt, send.state
