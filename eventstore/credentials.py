"""Secrets of the two edges, sealed in their own table; facts name them by reference and fingerprint only."""

import hmac
from datetime import datetime

from eventstore.connection import Connection, Pool
from eventstore.keyring import MasterKey, unwrap, wrap
from eventstore.statements import statement

_READ = statement(__package__, "read_credential")
_LOCK = statement(__package__, "lock_credential")
_WRITE = statement(__package__, "write_credential")


class Credentials:
    """Reads and writes sealed secrets. A secret is bound to its store and reference: a swapped row does not open."""

    def __init__(self, pool: Pool, master: MasterKey) -> None:
        self._pool = pool
        self._key = master.derive("credentials")

    async def read(self, store_id: str, reference: str) -> bytes | None:
        """Return the secret, or None if there is none under this reference."""
        sealed = await self._pool.fetchval(_READ, store_id, reference)
        return None if sealed is None else unwrap(self._key, sealed, _context(store_id, reference))

    async def write(self, store_id: str, reference: str, secret: bytes, *, updated_at: datetime) -> str:
        """Store or replace the secret; return its fingerprint."""
        async with self._pool.acquire() as connection:
            return await self.write_with(connection, store_id, reference, secret, updated_at=updated_at)

    async def lock(self, connection: Connection, store_id: str, reference: str) -> bytes | None:
        """Read the secret and hold its row until the transaction ends: a single-use token is renewed by one only."""
        sealed = await connection.fetchval(_LOCK, store_id, reference)
        return None if sealed is None else unwrap(self._key, sealed, _context(store_id, reference))

    async def write_with(
        self, connection: Connection, store_id: str, reference: str, secret: bytes, *, updated_at: datetime
    ) -> str:
        """Store or replace the secret inside the caller's transaction; return its fingerprint."""
        sealed = wrap(self._key, secret, _context(store_id, reference))
        await connection.execute(_WRITE, store_id, reference, sealed, self.fingerprint(secret), updated_at)
        return self.fingerprint(secret)

    def fingerprint(self, secret: bytes) -> str:
        """Name a secret without showing it: 12 hex digits, keyed, so that a weak secret cannot be guessed from it."""
        return hmac.digest(self._key, secret, "sha256").hex()[:12]


def _context(store_id: str, reference: str) -> bytes:
    return f"{store_id}/{reference}".encode()
