"""Unseals what Jurnal needs of a customer, at the moment it is sent or compared and nowhere else."""

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted
from eventstore.facts.registry import decode
from eventstore.keyring import Keyring
from eventstore.personal import TOKEN_PREFIX, persons_in, unseal
from eventstore.store import LedgerReader
from service.jurnal.payloads import PersonNames

_FACTS_A_READ = 1_000


class _Named(msgspec.Struct):
    customer_first_name: str | None = None
    customer_last_name: str | None = None
    customer_phone_number: str | None = None
    customer_email: str | None = None


class People:
    """Reads a customer's names out of the sealed part of a report."""

    def __init__(self, reader: LedgerReader, keyring: Keyring) -> None:
        self._reader = reader
        self._keyring = keyring

    async def names(self, store_id: str, position: int) -> PersonNames:
        """Return the names in the order report at `position`; those of an erased person are gone."""
        fact = await self._reader.read_one(store_id, position) if position else None
        if fact is None:
            return PersonNames()
        named = msgspec.json.decode(await self._clear(store_id, fact), type=_Named, strict=False)
        return PersonNames(
            first=_unless_token(named.customer_first_name),
            last=_unless_token(named.customer_last_name),
            phone=_unless_token(named.customer_phone_number),
            email=_unless_token(named.customer_email),
        )

    async def contacts_since(self, store_id: str, position: int, command_id: str) -> frozenset[int]:
        """Return Jurnal's ids of contacts made for other customers than `command_id`'s behind `position`."""
        found: set[int] = set()
        while facts := await self._reader.read_after(store_id, position, _FACTS_A_READ):
            position = facts[-1].position
            for fact in facts:
                told = decode(fact) if fact.stream_id.startswith("customer-") else None
                if isinstance(told, CommandAccepted) and told.attempted.command_id != command_id:
                    found.add(told.document.jurnal_id)
        return frozenset(found)

    async def _clear(self, store_id: str, fact: Fact) -> bytes:
        keys = await self._keyring.known_keys(store_id, persons_in(fact.sealed))
        return unseal(fact.body, fact.sealed, keys, store_id=store_id)


def _unless_token(value: str | None) -> str | None:
    return None if value is None or value.startswith(TOKEN_PREFIX) else value
