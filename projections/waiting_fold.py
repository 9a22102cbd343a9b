"""What folds of orders and transfers share: a document is judged and kept where what it waits for finds it."""

from collections.abc import Callable, Sequence

import msgspec

from eventstore.event import Fact
from projections.changes.settings import StoreSettings
from projections.changes.shifts import SHIFTS_KEY, Shifts
from projections.changes.waiting import (
    WAITING_KEYS,
    Waiting,
    WaitingDocument,
    kept_waiting,
    waiting_for,
    waiting_key,
    waits_for,
)
from projections.jurnal_commands.decision import Decision, Superseded, of_stream
from projections.planned_anew import PlannedAnew, judge_document, planned_anew, with_asked
from projections.projection import States

# What the fact does to a waiting document before it is judged again; None leaves it waiting as it is.
Prepare = Callable[[WaitingDocument], WaitingDocument | None]


class DocumentsTold(msgspec.Struct, frozen=True):
    """New states by key, the decisions that follow, and the documents that a fact touched, by stream.

    `freed`: refused commands that go again as they were planned. `superseded`: what others take the place of.
    """

    states: dict[str, msgspec.Struct] = {}
    decisions: Sequence[Decision] = ()
    documents: dict[str, WaitingDocument] = {}
    freed: tuple[str, ...] = ()
    superseded: Sequence[Superseded] = ()


def judged(
    document: WaitingDocument, states: States, settings: StoreSettings, fact: Fact, *, retried: bool = False
) -> DocumentsTold:
    """Judge the fact's own document, and keep it in its shard while it waits.

    `retried`: what is refused is planned anew also where it would be the same.
    """
    anew = _judged(document, settings, fact, shifts_in(states), retried=retried)
    after = anew.document
    documents = {after.stream_id: after}
    return DocumentsTold(keeping(after, states), anew.decisions, documents, superseded=anew.superseded)


def judged_again(
    states: States,
    settings: StoreSettings,
    fact: Fact,
    met: frozenset[str],
    prepare: Prepare | None = None,
    *,
    retried: bool = False,
) -> DocumentsTold:
    """Judge again whatever waits for one of the needs that the fact meets; `retried` as in `judged`."""
    shards = {key: shard for key in WAITING_KEYS if isinstance(shard := states.get(key), Waiting)}
    if not shards:
        return DocumentsTold()
    shifts = shifts_in(states)
    decisions: list[Decision] = []
    superseded: list[Superseded] = []
    documents: dict[str, WaitingDocument] = {}
    touched: dict[str, msgspec.Struct] = {}
    for stream_id, waiting in waiting_for(shards.values(), met).items():
        document = waiting if prepare is None else prepare(waiting)
        if document is None:
            continue
        anew = _judged(document, settings, fact, shifts, retried=retried)
        documents[stream_id] = anew.document
        decisions += anew.decisions
        superseded += anew.superseded
        key = waiting_key(stream_id)
        shards[key] = kept_waiting(shards[key], documents[stream_id])
        touched[key] = shards[key]
    return DocumentsTold({**documents, **touched}, decisions, documents, superseded=superseded)


def shifts_in(states: States) -> Shifts:
    """Return when the shifts of registers were closed, as far as it is told."""
    known = states.get(SHIFTS_KEY)
    assert known is None or isinstance(known, Shifts)
    return known or Shifts()


def keeping(document: WaitingDocument, states: States) -> dict[str, msgspec.Struct]:
    """Return the states that keep a document, also in its shard while it waits."""
    told: dict[str, msgspec.Struct] = {document.stream_id: document}
    shard_key = waiting_key(document.stream_id)
    shard = _shard(states, shard_key)
    if waits_for(document) or document.stream_id in shard.documents:
        told[shard_key] = kept_waiting(shard, document)
    return told


def _judged(
    document: WaitingDocument, settings: StoreSettings, fact: Fact, shifts: Shifts, *, retried: bool = False
) -> PlannedAnew:
    """Plan what was refused anew where it would be another command by now, then judge what is not planned."""
    anew = planned_anew(document, settings, fact, shifts, retried=retried)
    after, decisions = judge_document(anew.document, settings, fact, shifts)
    after = with_asked(after, decisions, fact.store_id)
    return PlannedAnew(after, of_stream([*anew.decisions, *decisions], after.stream_id), anew.superseded)


def _shard(states: States, key: str) -> Waiting:
    known = states.get(key)
    assert known is None or isinstance(known, Waiting)
    return known or Waiting()
