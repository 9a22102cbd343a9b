"""Plans anew what Jurnal refused: a refusal booked nothing, and nothing behind it in its lane was ever sent.

What a document asked for is judged as if it had not been, on the settings of the moment. The result stands only if all
of it comes out again, under the same identities, and what Jurnal has already comes out as it is there.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from hashlib import sha256

import msgspec

from eventstore.event import Fact
from projections.changes.asked import Asked
from projections.changes.orders import OrderState
from projections.changes.payouts import PayoutState
from projections.changes.settings import StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.waiting import WaitingDocument
from projections.jurnal_commands.commands import (
    ENCODER,
    ApplyCredit,
    BookInvoice,
    Command,
    DeleteInvoice,
    ReceivePayment,
    ReturnSale,
    UpdateInvoice,
)
from projections.jurnal_commands.decide_orders import judge_order
from projections.jurnal_commands.decide_payouts import judge_payout
from projections.jurnal_commands.decide_transfers import judge_transfer
from projections.jurnal_commands.decision import Decision, Planned
from projections.jurnal_commands.identity import invoice_command_id

_ZERO = Decimal(0)


class _Unplanned(msgspec.Struct, frozen=True):
    """A document as if the commands `asked` had not been planned yet."""

    document: WaitingDocument
    asked: tuple[Asked, ...]


def planned_anew(
    document: WaitingDocument, settings: StoreSettings, fact: Fact, shifts: Shifts, *, retried: bool = False
) -> tuple[WaitingDocument, Sequence[Decision]]:
    """Return the document with what was refused, and all behind it, planned anew; the same if that changes nothing.

    `retried`: what was refused is to go again whether or not it is another command by now.
    """
    if not document.refused or _is_seen_to(document):
        return document, ()
    first = next(number for number, each in enumerate(document.asked) if each.command_id in document.refused)
    for unplanned in _unplanned(document, first):
        after, decisions = judge_document(unplanned.document, settings, fact, shifts)
        kept = tuple(each for each in document.asked if each not in unplanned.asked)
        fresh = {asked.command_id: asked for asked in with_asked(_asking(after, kept), decisions, fact.store_id).asked}
        if _stands(document.asked, first, unplanned.asked, fresh):
            return _replaced(document, after, decisions, fresh, fact, retried=retried)
    return document, ()


def judge_document(
    document: WaitingDocument, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[WaitingDocument, Sequence[Decision]]:
    """Judge what of a document is not planned yet."""
    if isinstance(document, OrderState):
        return judge_order(document, settings, fact, shifts)
    if isinstance(document, PayoutState):
        return judge_payout(document, settings, fact)
    return judge_transfer(document, settings, fact)


def with_asked(document: WaitingDocument, decisions: Sequence[Decision], store_id: str) -> WaitingDocument:
    """Return the document with what is planned in its lane: a customer has another one, and outlives the order."""
    known = {each.command_id: each for each in document.asked}
    for planned in decisions:
        if not isinstance(planned, Planned) or planned.lane != document.stream_id or planned.command_id in known:
            continue
        needs: dict[str, None] = {}
        for need in planned.needs:
            if need in known:
                needs |= dict.fromkeys((need, *known[need].needs))
        known[planned.command_id] = Asked(
            planned.command_id,
            planned.record.record_id,
            type(planned.command).__name__,
            _invoice_of(planned.command, planned.command_id, store_id),
            tuple(needs),
            sha256(ENCODER.encode(planned.command)).hexdigest()[:16],
        )
    return document if len(known) == len(document.asked) else _asking(document, tuple(known.values()))


def _is_seen_to(document: WaitingDocument) -> bool:
    """Tell whether a person saw to a part of it: what is skipped lets go what stands behind it."""
    return bool(document.seen_to if isinstance(document, PayoutState) else document.skipped_records)


def _unplanned(document: WaitingDocument, first: int) -> Iterator[_Unplanned]:
    """Give the ways to take back what was asked from the `first` one on, the one that takes back least first."""
    records = {each.record_id for each in document.asked[first:]}
    of_records = tuple(each for each in document.asked if each.record_id in records)
    if isinstance(document, PayoutState):
        yield _Unplanned(msgspec.structs.replace(document, booked=False), document.asked)
    elif isinstance(document, OrderState):
        if first and all(record.startswith("payment-") for record in records):
            yield _Unplanned(_without_payments(document, {each.command_id for each in of_records}), of_records)
        taken_back = msgspec.structs.replace(document.taken_back, planned={}, over=_ZERO)
        # It waits for no window a second time.
        afresh = msgspec.structs.replace(document, bookings=(), taken_back=taken_back, released=True)
        yield _Unplanned(afresh, document.asked)
    else:
        for action in document.in_order():
            if action.booked is not None and f"transfer-{action.action_id}" in records:
                unbooked = msgspec.structs.replace(action, booked=None, changed_to=None, released=True)
                document = document.with_action(unbooked)
        yield _Unplanned(document, of_records)


def _without_payments(order: OrderState, command_ids: set[str]) -> OrderState:
    bookings = tuple(
        msgspec.structs.replace(
            booking, payments=tuple(each for each in booking.payments if each.command_id not in command_ids)
        )
        for booking in order.bookings
    )
    return msgspec.structs.replace(order, bookings=bookings)


def _stands(asked: tuple[Asked, ...], first: int, unplanned: tuple[Asked, ...], fresh: dict[str, Asked]) -> bool:
    """Tell whether all comes out again, and what was sent before the first refused one as it was sent."""
    in_jurnal = {each.command_id for each in asked[:first]}
    all_again = all(each.command_id in fresh for each in (*unplanned, *asked[first:]))
    return all_again and all(
        fresh[each.command_id].body == each.body for each in unplanned if each.command_id in in_jurnal
    )


def _replaced(
    before: WaitingDocument,
    after: WaitingDocument,
    decisions: Sequence[Decision],
    fresh: dict[str, Asked],
    fact: Fact,
    *,
    retried: bool,
) -> tuple[WaitingDocument, Sequence[Decision]]:
    """Return what differs from what was asked before; the document as it was if nothing does."""
    known = {each.command_id: each.body for each in before.asked}
    told: list[Decision] = []
    for decision in decisions:
        if not isinstance(decision, Planned) or decision.command_id not in known:
            told.append(decision)
            continue
        refused = decision.command_id in before.refused
        if fresh[decision.command_id].body != known[decision.command_id] or (retried and refused):
            told.append(msgspec.structs.replace(decision, instead_of="refused" if refused else "unsent"))
    changed = {each.command_id for each in told if isinstance(each, Planned) and each.instead_of}
    if not changed:
        return before, ()
    order = {each.command_id: fresh.get(each.command_id, each) for each in before.asked} | fresh
    left = tuple(command_id for command_id in before.refused if command_id not in changed)
    return (
        msgspec.structs.replace(after, asked=tuple(order.values()), refused=left, anew_at=fact.position),
        told,
    )


def _asking(document: WaitingDocument, asked: tuple[Asked, ...]) -> WaitingDocument:
    return msgspec.structs.replace(document, asked=asked)


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
