"""What comparisons found, as facts: the same finding once, until it was found no more; and a freeze with its reason."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.event import Appended, NewFact
from eventstore.facts.operators import OPERATIONS_STREAM, StorePaused
from eventstore.facts.reconciliation import (
    DIFFERENCE_STREAM_PREFIX,
    RECONCILIATION_STREAM,
    DifferenceFact,
    DifferenceResolved,
    DocumentFoundUnknown,
    RangeReconciled,
    SendingFrozen,
)
from eventstore.facts.registry import encode
from projections.differences.fold import row_of
from projections.differences.queries import Open, as_found, read_accepted, read_decided_at

# Who paused a store that froze by itself.
FREEZER = "jurnalsync"
_NUMBERS_TOLD_MAX = 10


class Noted(msgspec.Struct, frozen=True):
    """Which findings are new, those that the ledger held already stayed as they were; and how many are accepted."""

    new: tuple[DifferenceFact, ...]
    accepted: int


class ReconciliationLedger:
    """Appends what comparisons found."""

    def __init__(self, pool: Pool, appender: Appender, clock: Clock) -> None:
        self._pool = pool
        self._appender = appender
        self._clock = clock

    async def note(self, store_id: str, found: Sequence[DifferenceFact]) -> Noted:
        """Append findings; one that stands as it was found before, or was accepted, is not appended again."""
        accepted = await read_accepted(self._pool, store_id, [each.document.difference_id for each in found])
        now = self._clock.now()
        told = [each for each in found if accepted.get(each.document.difference_id) != as_found(row_of(each, 0, now))]
        results = await self._appender.append(store_id, await self._findings(store_id, told)) if told else []
        new = tuple(each for each, result in zip(told, results, strict=True) if isinstance(result, Appended))
        return Noted(new, accepted=len(found) - len(told))

    async def resolve(self, store_id: str, gone: Iterable[Open]) -> None:
        """Append that differences were found no more."""
        facts = [
            self._fact(
                DifferenceResolved(difference_id=each.difference_id),
                f"{DIFFERENCE_STREAM_PREFIX}{each.difference_id}",
                f"resolved:{each.difference_id}:{each.found_at}",
            )
            for each in gone
        ]
        if facts:
            await self._appender.append(store_id, facts)

    async def finish(self, store_id: str, reconciled: RangeReconciled, run_id: str) -> None:
        """Append that a range was compared from end to end."""
        await self._appender.append(store_id, [self._fact(reconciled, RECONCILIATION_STREAM, f"reconciled:{run_id}")])

    async def freeze(self, store_id: str, lost: Sequence[DocumentFoundUnknown], since: datetime) -> bool:
        """Pause the store because Jurnal has documents that this ledger never sent; False if these froze it before."""
        numbers = tuple(each.document.transaction_no or str(each.document.jurnal_id) for each in lost)
        frozen = SendingFrozen(documents=len(lost), numbers=numbers[:_NUMBERS_TOLD_MAX], since=since)
        ids = sorted(each.document.difference_id for each in lost)
        name = sha256("\n".join(ids).encode()).hexdigest()[:32]
        paused = StorePaused(actor=FREEZER, reason=frozen_reason(frozen))
        facts = [
            *await self._findings(store_id, lost),
            self._fact(frozen, RECONCILIATION_STREAM, f"frozen:{name}"),
            # In one batch with what was found: whoever resumes finds all of it looked up before it is sent.
            self._fact(paused, OPERATIONS_STREAM, f"frozen:{name}:paused"),
        ]
        results = await self._appender.append(store_id, facts)
        return isinstance(results[-1], Appended)

    async def _findings(self, store_id: str, found: Sequence[DifferenceFact]) -> list[NewFact]:
        ids = [each.document.difference_id for each in found]
        decided = await read_decided_at(self._pool, store_id, ids)
        return [self._finding(each, decided.get(each.document.difference_id, 0)) for each in found]

    def _finding(self, found: DifferenceFact, decided_at: int) -> NewFact:
        difference_id = found.document.difference_id
        content = sha256(encode(found)[2]).hexdigest()[:32]
        source_id = f"difference:{difference_id}:{decided_at}:{content}"
        return self._fact(found, f"{DIFFERENCE_STREAM_PREFIX}{difference_id}", source_id)

    def _fact(self, told: msgspec.Struct, stream_id: str, source_id: str) -> NewFact:
        name, version, body = encode(told)
        return NewFact(
            stream_id=stream_id,
            type=name,
            schema_version=version,
            source_id=source_id,
            observed_at=self._clock.now(),
            body=body,
        )


def frozen_reason(frozen: SendingFrozen) -> str:
    """Return why a store froze, and what to do, for the Accounting Sync list."""
    return (
        f"Jurnal has {frozen.documents} documents with our keys that this ledger never sent, such as "
        f"{', '.join(frozen.numbers[:3])}: the database is behind Jurnal, as after a restore from a backup. Sending is "
        "frozen so that nothing is booked twice. Look at them with `jurnalsync reconcile`, then resume the store: what "
        "Jurnal has is looked up and not sent again"
    )
