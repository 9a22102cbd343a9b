"""What a person asks to be repaired: a proven duplicate goes, a proven absence is sent again; with name and reason.

Only the dispatcher writes to Jurnal: it finds the command that follows from the fact, looks at Jurnal once more,
records the attempt, and looks again where the answer is lost.
"""

from datetime import date

from eventstore.connection import Pool
from eventstore.facts.reconciliation import DocumentResendRequested, DuplicateDeletionRequested, RepairFact
from projections.differences.queries import Listed, read_repairable
from projections.jurnal_commands.booked import read_by_id
from service.operations import Operations, Word


async def repair(
    pool: Pool, operations: Operations, store_id: str, first: date, last: date, word: Word
) -> tuple[Listed, ...]:
    """Ask for every repair of a range of business dates that nobody asked for yet; return the differences."""
    wanted = await read_repairable(pool, store_id, first, last)
    booked = await read_by_id(pool, store_id, {each.command_id for each in wanted})
    facts: list[tuple[str, RepairFact]] = []
    for each in wanted:
        if each.repair == "delete":
            facts.append((f"difference-{each.difference_id}", _deletion(each, word)))
        else:
            resend = DocumentResendRequested(
                difference_id=each.difference_id, command_id=each.command_id, actor=word.actor, reason=word.reason
            )
            facts.append((booked[each.command_id].stream_id, resend))
    if facts:
        await operations.append_all(store_id, facts)
    return tuple(wanted)


def _deletion(difference: Listed, word: Word) -> DuplicateDeletionRequested:
    return DuplicateDeletionRequested(
        difference_id=difference.difference_id,
        resource=difference.resource,
        jurnal_id=difference.jurnal_id,
        kept_id=difference.kept_id,
        command_id=difference.command_id,
        transaction_no=difference.transaction_no,
        business_date=difference.business_date,
        amount=difference.jurnal_amount,
        actor=word.actor,
        reason=word.reason,
    )
