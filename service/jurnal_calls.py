"""Calls to Jurnal for one company: a place in the quota, a signature, the wire, and the place given back."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.questions import Question, Row
from service.abreast import together
from service.breaker import Admitted, Breakers, Stopped
from service.credential_names import JURNAL_HMAC
from service.jurnal.client import JurnalClient
from service.jurnal.dated import off_seconds
from service.jurnal.exchange import API, JurnalRequest, NoAnswer, Response, SignedRequest
from service.jurnal.feedback import feedback_of
from service.jurnal.pace import Purpose
from service.jurnal.signing import sign_request
from service.quota import Granted, QuotaBudget, Spent, Taking
from service.quota_rows import known_of
from service.quota_wish import Known

# A credential that was changed counts within this time.
_CREDENTIAL_SECONDS = 5.0


class HmacCredential(msgspec.Struct, frozen=True):
    """A Mekari API client: what signs every call of one company."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"HmacCredential({self.client_id})"


class Company(msgspec.Struct, frozen=True):
    """A Jurnal company and the store whose credential speaks for it."""

    company_id: str
    store_id: str


class CredentialMissing(Exception):
    """No Jurnal credential is stored for the store; `jurnalsync setup apply` stores it."""


class Place(msgspec.Struct, frozen=True):
    """What lets one call go: a place in the quota, and the breaker's word."""

    company_id: str
    granted: Granted
    admitted: Admitted


class Seen(msgspec.Struct, frozen=True):
    """What was read of a company's budgets and its breaker, which is closed, without any lock.

    `young`: the connection that has the plans for what is written of it.
    """

    known: Known
    admitted: Admitted
    young: Pool


class JurnalCalls:
    """Makes calls within the budgets of the company and the egress address, while the company's breaker lets them."""

    def __init__(
        self,
        client: JurnalClient,
        credentials: Credentials,
        quota: QuotaBudget,
        breakers: Breakers,
        *,
        deadline_seconds: float,
        on_call: Callable[[str, str, float], None] | None = None,
        on_date: Callable[[float], None] | None = None,
    ) -> None:
        """`on_call` is told each call's resource, answer class (2xx, 4xx, 429, 5xx or none) and seconds.

        `on_date` is told how far Jurnal's clock is from the database's, by each answer with a Date; negative: behind.
        """
        self._client = client
        self._credentials = credentials
        self._quota = quota
        self._breakers = breakers
        self._deadline = timedelta(seconds=deadline_seconds)
        self._on_call = on_call
        self._on_date = on_date
        self._kept: dict[str, tuple[float, HmacCredential]] = {}

    async def grant(self, company: Company, purpose: Purpose, *, is_recorded_next: bool = False) -> Place | Spent:
        """Take a place for one call, or learn when one is free. Raises `CredentialMissing`.

        `is_recorded_next`: the call's attempt is committed before it is made.
        """
        # Who cannot sign makes no call, and takes no place.
        await self._credential(company.store_id)
        granting = self._quota.grant(
            company.company_id, purpose, deadline=self._deadline, is_recorded_next=is_recorded_next
        )
        # A look takes no trial from anybody, so that it need not wait for the place.
        granted, closed = await together(granting, self._breakers.admit_closed(company.company_id))
        if isinstance(granted, Spent):
            return granted
        admitted = closed or await self._breakers.admit(company.company_id, deadline=self._deadline)
        if isinstance(admitted, Stopped):
            await self._quota.cancel(granted)
            return Spent(admitted.until, stopped_words(admitted))
        return Place(company.company_id, granted, admitted)

    def readings(self, company: Company) -> tuple[Question, Question]:
        """Return what reads all that decides on a company's call; `seen` tells what it answered."""
        return self._breakers.reading(company.company_id), self._quota.reading(company.company_id)

    def seen(self, breakers: Sequence[Row], budgets: Sequence[Row], young: Pool) -> Seen | None:
        """Return what the readings told, None if the breaker stops calls."""
        admitted = self._breakers.admitted(breakers[0])
        return None if admitted is None else Seen(known_of(budgets[0][0]), admitted, young)

    def taking(self, company: Company, purpose: Purpose, seen: Seen) -> Taking | None:
        """Return what takes a place in budgets that were seen; None where they have no room. `took` must be told."""
        return self._quota.taking(company.company_id, purpose, seen.known, deadline=self._deadline)

    def took(self, taking: Taking) -> None:
        """Note that a place is taken."""
        self._quota.took(taking)

    async def cancel(self, place: Place) -> None:
        """Give a place back whose call is not made after all."""
        await self._quota.cancel(place.granted)
        await self._breakers.cancel(place.company_id, place.admitted)

    async def stopped(self, company: Company) -> Stopped | None:
        """Return what the breaker stops the company's calls with, None while it lets them go."""
        return await self._breakers.look(company.company_id)

    async def closed(self, company: Company) -> Spent | None:
        """Return until when a 429 of Jurnal's closed the company's budget, None while it is open."""
        return await self._quota.closed(company.company_id)

    async def sign(self, company: Company, request: JurnalRequest, *, signed_at: datetime) -> SignedRequest:
        """Sign a request at `signed_at`, which is the fence of the attempt. Raises `CredentialMissing`."""
        credential = await self._credential(company.store_id)
        return sign_request(
            request, client_id=credential.client_id, secret=credential.client_secret, signed_at=signed_at
        )

    async def _credential(self, store_id: str) -> HmacCredential:
        read_at, credential = self._kept.get(store_id, (0.0, None))
        now = asyncio.get_running_loop().time()
        if credential is None or now - read_at >= _CREDENTIAL_SECONDS:
            secret = await self._credentials.read(store_id, JURNAL_HMAC)
            if secret is None:
                raise CredentialMissing(f"store {store_id} has no Jurnal credential; run `jurnalsync setup apply`")
            credential = msgspec.json.decode(secret, type=HmacCredential)
            self._kept[store_id] = (now, credential)
        return credential

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Send a signed request and give the place back once it is answered or given up."""
        started = time.perf_counter()
        answer = await self._client.send(request, request.signed_at + self._deadline)
        if self._on_call is not None:
            self._on_call(_resource(request.path), _answer_class(answer), time.perf_counter() - started)
        if isinstance(answer, Response):
            off = off_seconds(answer, request.signed_at)
            if self._on_date is not None and off is not None:
                self._on_date(off)
            if answer.status == 401:
                # It may have been changed: the next call asks for it again.
                self._kept.clear()
            await self._quota.release(place.granted, feedback_of(answer))
        elif not answer.reached_wire:
            await self._quota.release(place.granted)
        if isinstance(answer, NoAnswer) and answer.is_late:
            await self._breakers.cancel(place.company_id, place.admitted)
        else:
            await self._breakers.note(place.company_id, place.admitted, _failure(answer))
        return answer

    async def read(self, company: Company, request: JurnalRequest, purpose: Purpose) -> Response | NoAnswer | Spent:
        """Make a reading call: harmless to repeat, so it needs no record of its attempt."""
        place = await self.grant(company, purpose)
        if isinstance(place, Spent):
            return place
        return await self.send(await self.sign(company, request, signed_at=place.granted.granted_at), place)

    def short(self, company: Company, now: datetime) -> bool:
        """Tell whether calls had better be saved: what makes up no full batch then waits a while for more."""
        return self._quota.short(company.company_id, now)

    async def note_saving(self, company: Company, until: datetime) -> None:
        """Let the Accounting Sync list tell that what makes up no full batch waits, and until when at the latest."""
        await self._quota.note_saving(company.company_id, until)

    @property
    def deadline(self) -> timedelta:
        """The longest a call may take from its signature on."""
        return self._deadline


def stopped_words(stopped: Stopped) -> str:
    """Return why nothing is sent."""
    return f"Jurnal does not answer since {stopped.since:%Y-%m-%d %H:%M} UTC ({stopped.reason})"


def _failure(answer: Response | NoAnswer) -> str | None:
    """Return how a call failed, None for an answer of Jurnal's own; a refusal is one.

    A signature that is refused would be refused for every call: the breaker spares the package.
    """
    if isinstance(answer, NoAnswer):
        return answer.reason
    if answer.status == 401:
        return "it refuses the signature: check this machine's clock and the credential"
    return f"it answered {answer.status}" if answer.status >= 500 else None


def _resource(path: str) -> str:
    """Return the collection a path is about, e.g. `sales_invoices`; never an id or a query."""
    return path.removeprefix(f"{API}/").partition("?")[0].partition("/")[0]


def _answer_class(answer: Response | NoAnswer) -> str:
    if isinstance(answer, Response) and answer.status == 429:
        return "429"
    # A redirect leads away from Jurnal and is not followed: no answer of its own.
    if isinstance(answer, Response) and answer.status // 100 in {2, 4, 5}:
        return f"{answer.status // 100}xx"
    return "none"
