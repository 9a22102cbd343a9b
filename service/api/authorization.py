"""Who may call: one bearer token for everything under /v1."""

import hmac
from hashlib import sha256

from aiohttp import web

from service.api.responses import problem

_CHALLENGE = 'Bearer realm="jurnalsync"'


class BearerToken:
    """The token every call must carry. Raises `ValueError` for an empty one, which would let everybody in."""

    def __init__(self, token: str) -> None:
        if not token:
            raise ValueError("the API token is empty: set JURNALSYNC_API_TOKEN")
        self._digest = sha256(token.encode()).digest()

    def refusal(self, request: web.Request) -> web.Response | None:
        """Return the 401 to answer with, or None if the call may go on. Constant time in the token."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        # Digests have one length, so that not even the token's length shows in the time taken.
        digest = sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        if scheme.lower() == "bearer" and hmac.compare_digest(digest, self._digest):
            return None
        detail = "Send the API's token in the header `Authorization: Bearer …`."
        challenge = f'{_CHALLENGE}, error="invalid_token"' if given else _CHALLENGE
        return problem(401, "unauthorized", "Unauthorized", detail, headers={"WWW-Authenticate": challenge})
