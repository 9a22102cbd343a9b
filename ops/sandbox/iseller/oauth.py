"""OAuth tokens: access tokens expire on the sandbox's clock, refresh tokens work once."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any

from aiohttp import web

from ops.sandbox.iseller.settings import IsellerSettings
from ops.sandbox.iseller.wire import encode


class Tokens:
    """All tokens given out; they are random and only live in memory."""

    def __init__(self, settings: IsellerSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._expires_at: dict[str, datetime] = {}
        self._refresh_tokens: set[str] = set()
        self._codes = {settings.authorization_code} - {None}

    def permits(self, authorization: str) -> bool:
        """Return whether an Authorization header holds a token that has not expired."""
        scheme, _, token = authorization.partition(" ")
        expires_at = self._expires_at.get(token.strip())
        return scheme.lower() == "bearer" and expires_at is not None and self._now() < expires_at

    def revoke_access(self) -> None:
        """Let every access token expire now; refresh tokens stay good."""
        self._expires_at.clear()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer POST /oauth/token: 401 for a wrong client, 400 for a grant that is not (or no longer) good."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not self._is_client(form):
            return _error(401, "invalid_client")
        match form.get("grant_type"):
            case "client_credentials":
                pass
            case "refresh_token" if form.get("refresh_token") in self._refresh_tokens:
                self._refresh_tokens.remove(form["refresh_token"])
            case "authorization_code" if form.get("code") in self._codes:
                self._codes.remove(form["code"])
            case "refresh_token" | "authorization_code":
                return _error(400, "invalid_grant")
            case _:
                return _error(400, "unsupported_grant_type")
        return _json(200, self._grant(f"{request.scheme}://{request.host}"))

    def _is_client(self, form: Mapping[str, str]) -> bool:
        given = f"{form.get('client_id', '')}\n{form.get('client_secret', '')}"
        known = f"{self._settings.client_id}\n{self._settings.client_secret}"
        return compare_digest(given.encode(), known.encode())

    def _grant(self, resource_url: str) -> dict[str, Any]:
        access_token, refresh_token = token_urlsafe(24), token_urlsafe(24)
        seconds = self._settings.access_token_seconds
        self._expires_at[access_token] = self._now() + timedelta(seconds=seconds)
        self._refresh_tokens.add(refresh_token)
        return {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": seconds,
            "refresh_token": refresh_token,
            "resource_url": resource_url,
        }


def _error(status: int, error: str) -> web.Response:
    return _json(status, {"error": error})


def _json(status: int, document: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=encode(document), content_type="application/json")
