"""What a person accepts: a difference that is as it should be, with name and reason. Nothing is sent because of it."""

from collections.abc import Sequence

from eventstore.connection import Pool
from eventstore.facts.reconciliation import DIFFERENCE_STREAM_PREFIX, DifferenceAccepted
from projections.differences.queries import Listed, read_open_by_id
from service.operations import Operations, Word


class CannotAccept(Exception):
    """None of them was accepted; `problems` says of each that cannot be why, and what to do instead."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


async def accept(
    pool: Pool, operations: Operations, store_id: str, difference_ids: Sequence[str], word: Word
) -> tuple[Listed, ...]:
    """Accept differences as they stand now, all or none; those that are accepted already stay as they are.

    Raises `CannotAccept` for one that does not stand, or that somebody asked to repair.
    """
    known = {each.difference_id: each for each in await read_open_by_id(pool, store_id, list(difference_ids))}
    problems = [_problem(each, known.get(each)) for each in difference_ids]
    if any(problems):
        raise CannotAccept([problem for problem in problems if problem])
    wanted = tuple(each for each in known.values() if not each.accepted_at)
    facts = [
        (
            f"{DIFFERENCE_STREAM_PREFIX}{each.difference_id}",
            DifferenceAccepted(
                difference_id=each.difference_id, found_at=each.found_at, actor=word.actor, reason=word.reason
            ),
        )
        for each in wanted
    ]
    if facts:
        await operations.append_all(store_id, facts)
    return wanted


def _problem(difference_id: str, known: Listed | None) -> str:
    if known is None:
        return f"no difference {difference_id} stands: take the id from `jurnalsync reconcile --json`"
    if known.repair_at:
        return f"somebody asked to repair {difference_id}: `jurnalsync sync list` shows what becomes of it"
    return ""
