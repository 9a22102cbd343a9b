"""Plans anew what Jurnal refused: a refusal booked nothing, and nothing behind it in its lane was ever sent.

What a document asked for is judged as if it had not been, on the settings of the moment. The result stands only if what
Jurnal has already comes out as it is there, and all else under the same identities; of an order whose invoice, or what
was to become of it, was refused, what does not come out again is ended: others take its place.
"""

from collections.abc import Container, Iterator, Sequence
from decimal import Decimal
from hashlib import sha256

import msgspec

from eventstore.event import Fact
from projections.changes.asked import Asked
from projections.changes.orders import OrderState, PlannedBefore
from projections.changes.payouts import PayoutState
from projections.changes.products import ProductState
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
from projections.jurnal_commands.decide_import import judge_product
from projections.jurnal_commands.decide_orders import judge_order
from projections.jurnal_commands.decide_payouts import judge_payout
from projections.jurnal_commands.decide_transfers import judge_transfer
from projections.jurnal_commands.decision import Decision, Planned, Superseded
from projections.jurnal_commands.identity import invoice_command_id
from projections.jurnal_commands.moved_money import moved_by

_ZERO = Decimal(0)
# What may be given up for something else, with all behind it.
_OF_INVOICES = frozenset({BookInvoice.__name__, UpdateInvoice.__name__, DeleteInvoice.__name__})
_REASONS = {
    UpdateInvoice.__name__: "Jurnal did not take this change of the invoice: other records of the order book it",
    DeleteInvoice.__name__: "Jurnal did not let the invoice be deleted: other records of the order book its end",
}
_NEVER_SENT = "Other records of the order took its place before it was sent"


class PlannedAnew(msgspec.Struct, frozen=True):
    """A document with what was planned of it anew, and what that took the place of."""

    document: WaitingDocument
    decisions: Sequence[Decision] = ()
    superseded: Sequence[Superseded] = ()


class _Unplanned(msgspec.Struct, frozen=True):
    """A document as if the commands `asked` had not been planned yet.

    `before`: of an order, what it can go back to once they are planned again. What is planned anew keeps its place
    among what was asked, and what is planned beside it stands at the end: what it was meanwhile is no way back.
    """

    document: WaitingDocument
    asked: tuple[Asked, ...]
    before: tuple[PlannedBefore, ...] = ()


def planned_anew(
    document: WaitingDocument, settings: StoreSettings, fact: Fact, shifts: Shifts, *, retried: bool = False
) -> PlannedAnew:
    """Return the document with what was refused, and all behind it, planned anew; the same if that changes nothing.

    `retried`: what was refused is to go again whether or not it is another command by now.
    """
    document = _without_seen_to(document)
    if not document.refused:
        return PlannedAnew(document)
    first = next(number for number, each in enumerate(document.asked) if each.command_id in document.refused)
    for unplanned in _unplanned(document, first):
        after, decisions = judge_document(unplanned.document, settings, fact, shifts)
        fresh = {each.command_id: each for each in with_asked(after, decisions, fact.store_id).asked}
        ended = _ended(document, first, unplanned.asked, after, fresh)
        if ended is not None:
            if isinstance(after, OrderState):
                after = msgspec.structs.replace(after, before=unplanned.before)
            return _replaced(document, after, decisions, fresh, ended, fact, retried=retried)
    return PlannedAnew(document)


def judge_document(
    document: WaitingDocument, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[WaitingDocument, Sequence[Decision]]:
    """Judge what of a document is not planned yet."""
    if isinstance(document, OrderState):
        return judge_order(document, settings, fact, shifts)
    if isinstance(document, PayoutState):
        return judge_payout(document, settings, fact)
    if isinstance(document, ProductState):
        return judge_product(document, settings, fact)
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
            moved_by(planned.command),
        )
    return document if len(known) == len(document.asked) else _asking(document, tuple(known.values()))


def _without_seen_to(document: WaitingDocument) -> WaitingDocument:
    """Return the document without the refusals that a person saw to: they let go what stands behind them."""
    seen_to = _skipped(document)
    left = tuple(command_id for command_id in document.refused if command_id not in seen_to)
    if left == document.refused:
        return document
    lacks = {command_id: each for command_id, each in document.lacks.items() if command_id in left}
    return msgspec.structs.replace(document, refused=left, lacks=lacks)


def _skipped(document: WaitingDocument) -> frozenset[str]:
    """Return the commands of records that a person saw to."""
    records: Container[str] = () if isinstance(document, PayoutState) else document.skipped_records
    return frozenset(each.command_id for each in document.asked if each.record_id in records)


def _unplanned(document: WaitingDocument, first: int) -> Iterator[_Unplanned]:
    """Give the ways to take back what was asked from the `first` one on, the one that takes back least first."""
    records = {each.record_id for each in document.asked[first:]}
    of_records = tuple(each for each in document.asked if each.record_id in records)
    if isinstance(document, PayoutState):
        yield _Unplanned(msgspec.structs.replace(document, booked=False, asked=()), document.asked)
    elif isinstance(document, ProductState):
        yield _Unplanned(msgspec.structs.replace(document, planned=False, asked=()), document.asked)
    elif isinstance(document, OrderState):
        if first and all(record.startswith("payment-") for record in records):
            yield _Unplanned(_without_payments(document, of_records), of_records, document.before)
        for number, before in reversed([*enumerate(document.before, start=1)]):
            if before.asked <= first:
                as_before = document.as_before(before)
                yield _Unplanned(as_before, document.asked[before.asked :], document.before[:number])
        # It waits for no window a second time.
        taken_back = msgspec.structs.replace(document.taken_back, planned={}, over=_ZERO)
        afresh = msgspec.structs.replace(
            document, bookings=(), taken_back=taken_back, released=True, asked=(), before=()
        )
        yield _Unplanned(afresh, document.asked)
    else:
        for action in document.in_order():
            if action.booked is not None and f"transfer-{action.action_id}" in records:
                unbooked = msgspec.structs.replace(action, booked=None, changed_to=None, released=True)
                document = document.with_action(unbooked)
        kept = tuple(each for each in document.asked if each not in of_records)
        yield _Unplanned(_asking(document, kept), of_records)


def _without_payments(order: OrderState, payments: tuple[Asked, ...]) -> OrderState:
    command_ids = {each.command_id for each in payments}
    bookings = tuple(
        msgspec.structs.replace(
            booking, payments=tuple(each for each in booking.payments if each.command_id not in command_ids)
        )
        for booking in order.bookings
    )
    kept = tuple(each for each in order.asked if each not in payments)
    return msgspec.structs.replace(order, bookings=bookings, asked=kept)


def _ended(
    document: WaitingDocument,
    first: int,
    unplanned: tuple[Asked, ...],
    after: WaitingDocument,
    fresh: dict[str, Asked],
) -> frozenset[str] | None:
    """Return what ends, so that all that was not sent goes in its new order; None if the result does not stand.

    What was sent before the first refused one must come out as it was sent; what a person saw to need not come out.
    Nothing that keeps its place in the lane may need what is new, or stands behind it.
    """
    skipped = _skipped(document)
    in_jurnal = {each.command_id for each in document.asked[:first]} | skipped
    wanted = {each.command_id: each for each in (*unplanned, *document.asked[first:])}
    again = [fresh[command_id] for command_id in wanted if command_id in fresh]
    if any(each.body != wanted[each.command_id].body for each in again if each.command_id in in_jurnal):
        return None
    gone = wanted.keys() - fresh.keys() - skipped
    if not gone and _is_in_order(again, document.asked):
        return frozenset()
    if not in_jurnal.isdisjoint(gone) or not _may_end(document, first, after):
        return None
    goes_again = set(document.refused).intersection(fresh)
    ended = wanted.keys() - in_jurnal - goes_again
    kept = [each for each in again if each.command_id not in ended]
    left = [each for each in document.asked if each.command_id not in ended]
    return frozenset(ended) if _is_in_order(kept, left) else None


def _is_in_order(kept: list[Asked], lane: Sequence[Asked]) -> bool:
    """Tell whether all that is needed of what keeps its place in a lane stands before it."""
    place = {each.command_id: number for number, each in enumerate(lane)}
    return all(place.get(need, len(place)) < place[each.command_id] for each in kept for need in each.needs)


def _may_end(document: WaitingDocument, first: int, after: WaitingDocument) -> bool:
    """Tell whether what was refused may be given up: an invoice or its end, if nothing waits then instead."""
    if not isinstance(document, OrderState) or not isinstance(after, OrderState):
        return False
    return document.asked[first].kind in _OF_INVOICES and _open(after) <= _open(document)


def _open(order: OrderState) -> set[str]:
    """Return the records that wait or failed before anything was asked; of money that is a credit nothing waits."""
    credits_held = f"credit-{order.order_id}-"
    return {
        record_id
        for record_id, verdict in order.verdicts.items()
        if verdict.state != "skipped" and not record_id.startswith(credits_held)
    }


def _replaced(
    before: WaitingDocument,
    after: WaitingDocument,
    decisions: Sequence[Decision],
    fresh: dict[str, Asked],
    ended: frozenset[str],
    fact: Fact,
    *,
    retried: bool,
) -> PlannedAnew:
    """Return what differs from what was asked before; the document as it was if nothing does."""
    known = {each.command_id: each.body for each in before.asked}
    told: list[Decision] = []
    for decision in decisions:
        if not isinstance(decision, Planned) or decision.command_id not in known or decision.command_id in ended:
            told.append(decision)
            continue
        refused = decision.command_id in before.refused
        if fresh[decision.command_id].body != known[decision.command_id] or (retried and refused):
            told.append(msgspec.structs.replace(decision, instead_of="refused" if refused else "unsent"))
    changed = {each.command_id for each in told if isinstance(each, Planned) and each.instead_of}
    if not changed and not ended:
        return PlannedAnew(before)
    kept = (each for each in before.asked if each.command_id not in ended)
    order = {each.command_id: fresh.get(each.command_id, each) for each in kept} | fresh
    left = tuple(command_id for command_id in before.refused if command_id not in changed | ended)
    lacks = {command_id: each for command_id, each in before.lacks.items() if command_id in left}
    after = msgspec.structs.replace(
        after, asked=tuple(order.values()), refused=left, lacks=lacks, anew_at=fact.position
    )
    return PlannedAnew(after, told, _superseded(before, after, ended))


def _superseded(before: WaitingDocument, after: WaitingDocument, ended: frozenset[str]) -> list[Superseded]:
    records = {each.record_id for each in after.asked}
    return [
        Superseded(
            asked=each,
            reason=_REASONS.get(each.kind, _NEVER_SENT) if each.command_id in before.refused else _NEVER_SENT,
            is_last=each.record_id not in records,
        )
        for each in before.asked
        if each.command_id in ended
    ]


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
