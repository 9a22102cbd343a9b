"""Calls to Jurnal for one company: a place in the quota, a signature, the wire, and the place given back."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.database_clock import database_now
from service.credential_names import JURNAL_HMAC
from service.jurnal.client import JurnalClient
from service.jurnal.exchange import API, JurnalRequest, NoAnswer, Response, SignedRequest
from service.jurnal.signing import sign_request
from service.quota import Granted, QuotaBudget, Spent


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


class JurnalCalls:
    """Makes calls within the budgets of the company and the egress address."""

    def __init__(
        self,
        pool: Pool,
        client: JurnalClient,
        credentials: Credentials,
        quota: QuotaBudget,
        *,
        deadline_seconds: float,
        on_call: Callable[[str, str, float], None] | None = None,
    ) -> None:
        """`on_call` is told each call's resource, answer class (2xx, 4xx, 429, 5xx or none) and seconds."""
        self._pool = pool
        self._client = client
        self._credentials = credentials
        self._quota = quota
        self._deadline = timedelta(seconds=deadline_seconds)
        self._on_call = on_call

    async def grant(self, company: Company) -> Granted | Spent:
        """Take a place in the quota, or learn when one is free."""
        return await self._quota.grant(company.company_id, deadline=self._deadline)

    async def sign(self, company: Company, request: JurnalRequest, *, signed_at: datetime) -> SignedRequest:
        """Sign a request at `signed_at`, which is the fence of the attempt. Raises `CredentialMissing`."""
        secret = await self._credentials.read(company.store_id, JURNAL_HMAC)
        if secret is None:
            raise CredentialMissing(f"store {company.store_id} has no Jurnal credential; run `jurnalsync setup apply`")
        credential = msgspec.json.decode(secret, type=HmacCredential)
        return sign_request(
            request, client_id=credential.client_id, secret=credential.client_secret, signed_at=signed_at
        )

    async def send(self, request: SignedRequest, granted: Granted) -> Response | NoAnswer:
        """Send a signed request and give the place back once it is answered or given up."""
        started = time.perf_counter()
        answer = await self._client.send(request, request.signed_at + self._deadline)
        if self._on_call is not None:
            self._on_call(_resource(request.path), _answer_class(answer), time.perf_counter() - started)
        if isinstance(answer, Response) or not answer.reached_wire:
            await self._quota.release(granted)
        return answer

    async def read(self, company: Company, request: JurnalRequest) -> Response | NoAnswer | Spent:
        """Make a reading call: harmless to repeat, so it needs no record of its attempt."""
        granted = await self.grant(company)
        if isinstance(granted, Spent):
            return granted
        async with self._pool.acquire() as connection:
            now = await database_now(connection)
        return await self.send(await self.sign(company, request, signed_at=now), granted)

    @property
    def deadline(self) -> timedelta:
        """The longest a call may take from its signature on."""
        return self._deadline


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
