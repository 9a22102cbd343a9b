"""Keys: one master key from a file, one store key derived from it, one data key per person wrapped by the store key.

Destroying a person's data key erases the person: no fact changes, every hash still holds, and what was sealed stays
unreadable. The row of the erased key stays as a keyed mark, so that later reports of that person are sealed under
one-off keys that nobody keeps.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from eventstore.connection import Pool
from eventstore.errors import SealingKeyMissing
from eventstore.keyed import KeyedDigest
from eventstore.statements import statement

_KEYS = statement(__package__, "person_keys")
_MAKE = statement(__package__, "make_person_keys")
_ERASE = statement(__package__, "erase_person")
_NONCE_BYTES = 12
_CACHED_KEYS_MAX = 50_000


class MasterKey:
    """The key everything sealed hangs on. 32 random bytes, mounted as a file of 64 hex digits."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise SealingKeyMissing(f"the sealing key must be 32 bytes (64 hex digits), not {len(key)} bytes")
        self._key = key

    @classmethod
    def from_file(cls, path: Path) -> "MasterKey":
        """Read the key file. Raises `SealingKeyMissing` with what to do."""
        try:
            return cls(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except (OSError, ValueError) as error:
            raise SealingKeyMissing(
                f"cannot read the sealing key from {path}: make one with `jurnalsync keys make {path}`"
            ) from error

    def derive(self, purpose: str) -> bytes:
        """Return the 32-byte key for one purpose; purposes never share a key."""
        return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self._key)

    @property
    def fingerprint(self) -> str:
        """Name the key without showing it: 12 hex digits."""
        return sha256(b"fingerprint" + self._key).hexdigest()[:12]


def wrap(key: bytes, secret: bytes, context: bytes) -> bytes:
    """Encrypt `secret` under `key`, bound to `context`: nonce ‖ AES-256-GCM ciphertext."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret, context)


def unwrap(key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Undo `wrap`. Raises `cryptography.exceptions.InvalidTag` if the key or the context is another."""
    return AESGCM(key).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)


class Keyring:
    """Makes and finds the data keys of persons; made keys are committed before anything is sealed with them."""

    def __init__(self, pool: Pool, master: MasterKey) -> None:
        self._pool = pool
        self._master = master
        self._store_keys: dict[str, tuple[bytes, KeyedDigest]] = {}
        self._cache: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()

    def mark(self, store_id: str, person: str) -> bytes:
        """Return the 16-byte keyed mark that stands for `person` (kind and id, e.g. `customer:4f2a…`)."""
        return self._keys_of(store_id)[1].digest(person.encode())[:16]

    async def data_keys(self, store_id: str, persons: Sequence[bytes], *, made_at: datetime) -> dict[bytes, bytes]:
        """Return a data key for each mark, making and committing those that are missing.

        An erased person gets a one-off key that is kept nowhere.
        """
        keys, missing = self._cached(store_id, persons)
        if missing:
            store_key = self._keys_of(store_id)[0]
            made = [os.urandom(32) for _ in missing]
            wrapped = [wrap(store_key, key, mark) for key, mark in zip(made, missing, strict=True)]
            async with self._pool.acquire() as connection:
                await connection.execute(_MAKE, store_id, missing, wrapped, made_at)
            keys |= await self._read(store_id, missing)
            for mark in missing:
                keys.setdefault(mark, os.urandom(32))
        return keys

    def keeps(self, store_id: str, person: bytes, data_key: bytes) -> bool:
        """Tell a kept data key, as `data_keys` has just returned it, from the one-off key of an erased person."""
        return self._cache.get((store_id, person)) == data_key

    async def known_keys(self, store_id: str, persons: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the data keys that exist; erased persons are absent. For unsealing: never from the cache."""
        return await self._read(store_id, list(persons))

    def forget(self) -> None:
        """Forget every data key in memory: a database that lost facts may have lost keys that were committed too."""
        self._cache.clear()

    async def erase(self, store_id: str, person: str, *, erased_at: datetime) -> bool:
        """Destroy the data key of `person`; False if there was none to destroy."""
        mark = self.mark(store_id, person)
        async with self._pool.acquire() as connection:
            erased = await connection.execute(_ERASE, store_id, mark, erased_at)
        # Afterwards: a read that began before would put the key back.
        self._cache.pop((store_id, mark), None)
        return bool(erased == "UPDATE 1")

    def _cached(self, store_id: str, persons: Sequence[bytes]) -> tuple[dict[bytes, bytes], list[bytes]]:
        keys: dict[bytes, bytes] = {}
        missing: list[bytes] = []
        for mark in dict.fromkeys(persons):
            if (key := self._cache.get((store_id, mark))) is None:
                missing.append(mark)
            else:
                self._cache.move_to_end((store_id, mark))
                keys[mark] = key
        return keys, sorted(missing)

    async def _read(self, store_id: str, persons: list[bytes]) -> dict[bytes, bytes]:
        store_key = self._keys_of(store_id)[0]
        keys: dict[bytes, bytes] = {}
        async with self._pool.acquire() as connection:
            records = await connection.fetch(_KEYS, store_id, persons)
        for record in records:
            if record["wrapped_key"] is not None:
                mark = record["person"]
                keys[mark] = self._cache[store_id, mark] = unwrap(store_key, record["wrapped_key"], mark)
        while len(self._cache) > _CACHED_KEYS_MAX:
            self._cache.popitem(last=False)
        return keys

    def _keys_of(self, store_id: str) -> tuple[bytes, KeyedDigest]:
        """Return what wraps the store's data keys and what makes its marks."""
        if (keys := self._store_keys.get(store_id)) is None:
            keys = (
                self._master.derive(f"store:{store_id}"),
                KeyedDigest(self._master.derive(f"marks:{store_id}")),
            )
            self._store_keys[store_id] = keys
        return keys
