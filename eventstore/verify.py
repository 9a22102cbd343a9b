"""Walks a ledger from the first fact to the head and recomputes every hash."""

import msgspec

from eventstore.chain import GENESIS, fact_hash
from eventstore.errors import LedgerGap
from eventstore.event import Fact, NewFact
from eventstore.store import LedgerReader

_PAGE_FACTS = 2_000


class Whole(msgspec.Struct, frozen=True):
    """Every hash holds, positions run 1..n, and the head is the last of them."""

    facts: int
    head_hash: bytes


class Broken(msgspec.Struct, frozen=True):
    """The first position where the ledger is not what was appended, and why."""

    position: int
    reason: str


async def verify_ledger(reader: LedgerReader, store_id: str) -> Whole | Broken:
    """Verify the ledger of a store up to the head as it stood at the start. Raises `LedgerNotFound`."""
    head = await reader.head(store_id)
    position, previous = 0, GENESIS
    while position < head.position:
        try:
            facts = await reader.read_after(store_id, position, min(_PAGE_FACTS, head.position - position))
        except LedgerGap as gap:
            return Broken(gap.expected, f"the fact is missing; the next one there is {gap.found}")
        if not facts:
            return Broken(position + 1, f"the ledger ends here, but its head stands at {head.position}")
        for fact in facts:
            if fact.hash != _expected(previous, fact):
                return Broken(fact.position, "its contents or its predecessor are not what was hashed")
            position, previous = fact.position, fact.hash
    if previous != head.hash:
        return Broken(head.position, "the head's hash is not that of the last fact")
    return Whole(position, previous)


def _expected(previous: bytes, fact: Fact) -> bytes:
    new = NewFact(
        stream_id=fact.stream_id,
        type=fact.type,
        schema_version=fact.schema_version,
        source_id=fact.source_id,
        observed_at=fact.observed_at,
        body=fact.body,
        sealed=fact.sealed,
        metadata=fact.metadata,
    )
    return fact_hash(previous, fact.store_id, fact.position, fact.stream_version, fact.recorded_at, new)
