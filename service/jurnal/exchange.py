"""What goes over the wire to Jurnal and what comes back."""

from collections.abc import Generator
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias, TypeVar

import msgspec

API = "/public/jurnal/api/v1"
Method = Literal["GET", "POST", "PATCH", "DELETE"]
T = TypeVar("T")


class JurnalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request before it is signed. `path` is percent-encoded and holds the query; it is sent as it stands."""

    method: Method
    path: str
    body: bytes = b""


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request with the headers that make Jurnal accept it. `digest` is the hex SHA-256 of the body.

    `signed_at` is the instant the Date header tells, in whole seconds; Jurnal refuses it once it is too old.
    """

    method: Method
    path: str
    body: bytes
    headers: dict[str, str]
    signed_at: datetime
    digest: str


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer. Header names are in lower case; `seconds` passed since it was asked for."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0

    @property
    def digest(self) -> str:
        """Return the hex SHA-256 of the body."""
        return sha256(self.body).hexdigest()


class NoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing that can be read came back. Where nothing reached the wire, Jurnal has certainly booked nothing.

    `is_late`: it was not even tried, for the deadline had passed: that says nothing of Jurnal.
    """

    reason: str
    reached_wire: bool
    is_late: bool = False


# Reading calls of which each depends on the answers before it: whoever drives them makes the calls.
Steps: TypeAlias = Generator[JurnalRequest, Response | NoAnswer, T]
