"""The client of iSeller's API: OAuth whose single-use refresh tokens are stored before use, and the reads."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from service.iseller.envelope import IsellerError, Page, read_object, read_page

TOKEN_REFERENCE = "iseller-token"  # noqa: S105 - the name of a row, no secret
APPLICATION_REFERENCE = "iseller-oauth"


class Endpoint(msgspec.Struct, frozen=True):
    """A read of iSeller's API: its name, its path, and the member of the answer that holds what was read.

    `seldom`: objects that say how things are, not what happened; read from the first of them, and once a day.
    """

    name: str
    path: str
    member: str
    seldom: bool = False


GET_ORDERS = Endpoint("GetOrders", "/api/v2/GetOrders", "orders")
GET_TRANSACTIONS = Endpoint("GetTransactions", "/api/v2/GetTransactions", "transactions")
GET_TRANSFER = Endpoint("GetTransfer", "/api/v3/GetTransfer", "transfers")
GET_REGISTER_SHIFTS = Endpoint("GetRegisterShifts", "/api/v2/GetRegisterShifts", "register_shifts")
GET_PRODUCTS = Endpoint("GetProducts", "/api/v2/GetProducts", "products", seldom=True)
GET_OUTLETS = Endpoint("GetOutlets", "/api/v3/GetOutlets", "outlets")
GET_STORE_INFO = Endpoint("GetStoreInfo", "/api/v2/GetStoreInfo", "store_info")


class ClientLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one request. `expiry_margin_seconds`: a token that expires so soon is renewed first."""

    request_seconds_max: float = 30
    answer_bytes_max: int = 64 * 1024 * 1024
    expiry_margin_seconds: float = 60
    connection_attempts_max: int = 3
    connection_wait_seconds: float = 0.1


class StoredToken(msgspec.Struct, frozen=True, kw_only=True):
    """An access token as the credentials table holds it; reads go to `resource_url`."""

    access_token: str
    expires_at: datetime
    resource_url: str
    refresh_token: str | None = None


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """The OAuth client that iSeller registered for us."""

    client_id: str
    client_secret: str


class _Grant(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: int
    resource_url: str | None = None
    refresh_token: str | None = None


class _GrantRefused(Exception):
    """iSeller does not take this grant (any more)."""


class IsellerClient:
    """Reads iSeller for all stores. `url` is where the store's OAuth stands; reads follow the token's resource_url."""

    def __init__(
        self,
        session: ClientSession,
        credentials: Credentials,
        pool: Pool,
        clock: Clock,
        limits: ClientLimits | None = None,
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._pool = pool
        self._clock = clock
        self._limits = limits if limits is not None else ClientLimits()

    async def read_page(self, store_id: str, url: str, endpoint: Endpoint, parameters: Mapping[str, str]) -> Page:
        """Return one page. Raises `IsellerError`: refused, unreachable, or unreadable."""
        asked_at = self._clock.now()
        body = await self._read(store_id, url, endpoint, parameters)
        return read_page(body, endpoint.member, asked_at=asked_at)

    async def read_object(self, store_id: str, url: str, endpoint: Endpoint, parameters: Mapping[str, str]) -> Any:
        """Return the one object of an answer, such as `store_info`. Raises `IsellerError`."""
        return read_object(await self._read(store_id, url, endpoint, parameters), endpoint.member)

    async def _read(self, store_id: str, url: str, endpoint: Endpoint, parameters: Mapping[str, str]) -> bytes:
        token = await self._token(store_id, url)
        status, body = await self._post_read(token, endpoint, parameters)
        if status == 401:
            token = await self._renewed(store_id, url, spent=token.access_token)
            status, body = await self._post_read(token, endpoint, parameters)
        if status != 200:
            raise IsellerError(f"{endpoint.name} answered HTTP {status}", status)
        return body

    async def _post_read(
        self, token: StoredToken, endpoint: Endpoint, parameters: Mapping[str, str]
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {token.access_token}"}
        # A read may be repeated even when the connection broke under it.
        again = (ClientConnectorError, ServerDisconnectedError)
        return await self._post(token.resource_url.rstrip("/") + endpoint.path, parameters, headers, again)

    async def _token(self, store_id: str, url: str) -> StoredToken:
        token = _stored(await self._credentials.read(store_id, TOKEN_REFERENCE))
        if token is not None and not self._expires_soon(token):
            return token
        return await self._renewed(store_id, url, spent=None if token is None else token.access_token)

    async def _renewed(self, store_id: str, url: str, *, spent: str | None) -> StoredToken:
        """Return a token that is not `spent`, renewing it unless somebody else has done so already.

        The row locks are held until the new token is committed: a refresh token works once, so two renewals at the
        same time would lose one store's access.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            application = _application(await self._credentials.lock(connection, store_id, APPLICATION_REFERENCE))
            token = _stored(await self._credentials.lock(connection, store_id, TOKEN_REFERENCE))
            if token is not None and token.access_token != spent and not self._expires_soon(token):
                return token
            renewed = await self._grant(url, application, None if token is None else token.refresh_token)
            await self._credentials.write_with(
                connection, store_id, TOKEN_REFERENCE, msgspec.json.encode(renewed), updated_at=self._clock.now()
            )
        return renewed

    async def _grant(self, url: str, application: Application, refresh_token: str | None) -> StoredToken:
        if refresh_token:
            try:
                return await self._ask_token(
                    url, application, {"grant_type": "refresh_token", "refresh_token": refresh_token}
                )
            except _GrantRefused:
                # Spent by an attempt whose answer was lost; the application's own grant still works.
                pass
        try:
            return await self._ask_token(url, application, {"grant_type": "client_credentials"})
        except _GrantRefused:
            raise IsellerError(
                "iSeller refuses the stored client id and secret; connect the store again", 401
            ) from None

    async def _ask_token(self, url: str, application: Application, grant: Mapping[str, str]) -> StoredToken:
        form = {**grant, "client_id": application.client_id, "client_secret": application.client_secret}
        asked_at = self._clock.now()
        # Only a connection that was never made may be repeated: a refresh token may have been spent otherwise.
        status, body = await self._post(f"{url.rstrip('/')}/oauth/token", form, {}, (ClientConnectorError,))
        if status in (400, 401, 403):
            raise _GrantRefused
        if status != 200:
            raise IsellerError(f"the token endpoint answered HTTP {status}", status)
        try:
            granted = msgspec.json.decode(body, type=_Grant, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # Seen in the field: a token error can come with HTTP 200.
            raise _GrantRefused from None
        return StoredToken(
            access_token=granted.access_token,
            expires_at=asked_at + timedelta(seconds=granted.expires_in),
            resource_url=granted.resource_url or url,
            refresh_token=granted.refresh_token,
        )

    async def _post(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str], again: tuple[type[ClientError], ...]
    ) -> tuple[int, bytes]:
        """POST a form; return status and body. Raises `IsellerError` when no answer came."""
        timeout = ClientTimeout(total=self._limits.request_seconds_max)
        attempts = AsyncRetrying(
            stop=stop_after_attempt(self._limits.connection_attempts_max),
            wait=wait_fixed(self._limits.connection_wait_seconds),
            retry=retry_if_exception_type(again),
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    async with self._session.post(
                        url, data=form, headers=headers, timeout=timeout, allow_redirects=False
                    ) as answer:
                        return answer.status, await self._bounded(answer)
        except (ClientError, TimeoutError, OSError) as error:
            raise IsellerError(f"no answer from iSeller: {type(error).__name__}") from error
        raise AssertionError("tenacity returns or raises")

    async def _bounded(self, answer: ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > self._limits.answer_bytes_max:
                raise IsellerError(f"the answer is larger than {self._limits.answer_bytes_max} bytes")
        return bytes(body)

    def _expires_soon(self, token: StoredToken) -> bool:
        return token.expires_at - self._clock.now() <= timedelta(seconds=self._limits.expiry_margin_seconds)


def _stored(secret: bytes | None) -> StoredToken | None:
    try:
        return None if secret is None else msgspec.json.decode(secret, type=StoredToken)
    except msgspec.DecodeError:
        return None


def _application(secret: bytes | None) -> Application:
    if secret is None:
        raise IsellerError("no iSeller client id and secret are stored for this store; connect it first")
    try:
        return msgspec.json.decode(secret, type=Application)
    except msgspec.DecodeError:
        raise IsellerError("the stored iSeller client id and secret cannot be read; connect the store again") from None
