"""What folds of orders and transfers share: a document is judged and kept where what it waits for finds it."""

from collections.abc import Callable, Sequence

import msgspec

from eventstore.event import Fact
from projections.changes.asked import Asked
from projections.changes.orders import OrderState
from projections.changes.settings import StoreSettings
from projections.changes.shifts import SHIFTS_KEY, Shifts
from projections.changes.waiting import (
    WAITING_KEYS,
    Waiting,
    WaitingDocument,
    kept_waiting,
    waiting_for,
    waiting_key,
)
from projections.jurnal_commands.commands import (
    ApplyCredit,
    BookInvoice,
    Command,
    DeleteInvoice,
    ReceivePayment,
    ReturnSale,
    UpdateInvoice,
)
from projections.jurnal_commands.decide_orders import judge_order
from projections.jurnal_commands.decide_transfers import judge_transfer
from projections.jurnal_commands.decision import Decision, Planned
from projections.jurnal_commands.identity import invoice_command_id
from projections.projection import States

# What the fact does to a waiting document before it is judged again; None leaves it waiting as it is.
Prepare = Callable[[WaitingDocument], WaitingDocument | None]


class DocumentsTold(msgspec.Struct, frozen=True):
    """New states by key, the decisions that follow, and the documents that a fact touched, by stream."""

    states: dict[str, msgspec.Struct] = {}
    decisions: Sequence[Decision] = ()
    documents: dict[str, WaitingDocument] = {}


def judged(document: WaitingDocument, states: States, settings: StoreSettings, fact: Fact) -> DocumentsTold:
    """Judge the fact's own document, and keep it in its shard while it waits."""
    after, decisions = _judged(document, settings, fact, shifts_in(states))
    told: dict[str, msgspec.Struct] = {after.stream_id: after}
    shard_key = waiting_key(after.stream_id)
    shard = _shard(states, shard_key)
    if after.needs() or after.stream_id in shard.documents:
        told[shard_key] = kept_waiting(shard, after)
    return DocumentsTold(told, decisions, {after.stream_id: after})


def judged_again(
    states: States, settings: StoreSettings, fact: Fact, met: frozenset[str], prepare: Prepare | None = None
) -> DocumentsTold:
    """Judge again whatever waits for one of the needs that the fact meets."""
    shards = {key: shard for key in WAITING_KEYS if isinstance(shard := states.get(key), Waiting)}
    if not shards:
        return DocumentsTold()
    shifts = shifts_in(states)
    decisions: list[Decision] = []
    documents: dict[str, WaitingDocument] = {}
    touched: dict[str, msgspec.Struct] = {}
    for stream_id, waiting in waiting_for(shards.values(), met).items():
        document = waiting if prepare is None else prepare(waiting)
        if document is None:
            continue
        documents[stream_id], decided = _judged(document, settings, fact, shifts)
        decisions += decided
        key = waiting_key(stream_id)
        shards[key] = kept_waiting(shards[key], documents[stream_id])
        touched[key] = shards[key]
    return DocumentsTold({**documents, **touched}, decisions, documents)


def shifts_in(states: States) -> Shifts:
    """Return when the shifts of registers were closed, as far as it is told."""
    known = states.get(SHIFTS_KEY)
    assert known is None or isinstance(known, Shifts)
    return known or Shifts()


def _judged(
    document: WaitingDocument, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[WaitingDocument, Sequence[Decision]]:
    after: WaitingDocument
    decisions: Sequence[Decision]
    if isinstance(document, OrderState):
        after, decisions = judge_order(document, settings, fact, shifts)
    else:
        after, decisions = judge_transfer(document, settings, fact)
    for decision in decisions:
        # A customer has a lane of its own, and outlives the order that made it known.
        if isinstance(decision, Planned) and decision.lane == after.stream_id:
            after = _with_asked(after, decision, fact.store_id)
    return after, decisions


def _with_asked(document: WaitingDocument, planned: Planned, store_id: str) -> WaitingDocument:
    known = {each.command_id: each for each in document.asked}
    if planned.command_id in known:
        return document
    needs: dict[str, None] = {}
    for need in planned.needs:
        if need in known:
            needs |= dict.fromkeys((need, *known[need].needs))
    asked = Asked(
        planned.command_id,
        planned.record.record_id,
        type(planned.command).__name__,
        _invoice_of(planned.command, planned.command_id, store_id),
        tuple(needs),
    )
    return msgspec.structs.replace(document, asked=(*document.asked, asked))


def _invoice_of(command: Command, command_id: str, store_id: str) -> str:
    match command:
        case BookInvoice():
            return command_id
        case ReceivePayment():
            return invoice_command_id(store_id, command.order_id, command.revision)
        case UpdateInvoice() | DeleteInvoice() | ReturnSale() | ApplyCredit():
            return command.invoice
        case _:
            return ""


def _shard(states: States, key: str) -> Waiting:
    known = states.get(key)
    assert known is None or isinstance(known, Waiting)
    return known or Waiting()
