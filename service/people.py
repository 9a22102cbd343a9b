"""Unseals what Jurnal needs of a customer, at the moment it is sent and nowhere else."""

import msgspec

from eventstore.event import Fact
from eventstore.keyring import Keyring
from eventstore.personal import TOKEN_PREFIX, persons_in, unseal
from eventstore.store import LedgerReader
from service.jurnal.payloads import PersonNames


class _Named(msgspec.Struct):
    """The names of an order's customer, or of a member: the same words without their prefix."""

    customer_first_name: str | None = None
    customer_last_name: str | None = None
    customer_phone_number: str | None = None
    customer_email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None
    email: str | None = None


class People:
    """Reads a customer's names out of the sealed part of a report."""

    def __init__(self, reader: LedgerReader, keyring: Keyring) -> None:
        self._reader = reader
        self._keyring = keyring

    async def names(self, store_id: str, position: int) -> PersonNames:
        """Return the names in the order or member report at `position`; those of an erased person are gone."""
        fact = await self._reader.read_one(store_id, position) if position else None
        if fact is None:
            return PersonNames()
        named = msgspec.json.decode(await self._clear(store_id, fact), type=_Named, strict=False)
        return PersonNames(
            first=_unless_token(named.customer_first_name or named.first_name),
            last=_unless_token(named.customer_last_name or named.last_name),
            phone=_unless_token(named.customer_phone_number or named.phone_number),
            email=_unless_token(named.customer_email or named.email),
        )

    async def _clear(self, store_id: str, fact: Fact) -> bytes:
        keys = await self._keyring.known_keys(store_id, persons_in(fact.sealed))
        return unseal(fact.body, fact.sealed, keys, store_id=store_id)


def _unless_token(value: str | None) -> str | None:
    return None if value is None or value.startswith(TOKEN_PREFIX) else value
