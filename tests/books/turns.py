"""What a drawn order goes through once it is sold: payments, refunds and a void, in any order and of any amount."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import msgspec
from hypothesis import strategies as st

from ops.sandbox.dice import Dice
from ops.sandbox.traffic_afterwards import OrderRefunded, OrderVoided, Refund, RefundedPiece
from ops.sandbox.traffic_events import OrderPaid
from ops.sandbox.traffic_order import Order
from ops.sandbox.traffic_taken_back import worth_of
from ops.sandbox.traffic_tenders import CARD, CASH, GOPAY, QRIS, STORE_CREDIT, Tender, gives_back, pays

Happened = OrderPaid | OrderRefunded | OrderVoided
_TENDERS = {"cash": CASH, "card": CARD, "qris": QRIS, "gopay": GOPAY, "store_credit": STORE_CREDIT}
_ZERO = Decimal(0)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happens, so many minutes after the one before.

    `percent` of the order's total is paid, or of the pieces left goes back (0: money alone); `more` IDR than these are
    worth is given back, None: nothing. `restocked`: the goods go back on the shelf.
    """

    kind: Literal["pay", "refund", "void"]
    percent: int
    more: int | None = 0
    tender: str = "card"
    restocked: bool = True
    minutes: int = 60


TURNS = st.lists(
    st.builds(
        Turn,
        kind=st.sampled_from(("pay", "pay", "refund", "refund", "refund", "void")),
        percent=st.sampled_from((0, 20, 34, 50, 100, 130)),
        more=st.sampled_from((0, 0, 0, -2_000, 2_000, None)),
        tender=st.sampled_from(sorted(_TENDERS)),
        restocked=st.booleans(),
        minutes=st.sampled_from((1, 12, 45, 300)),
    ),
    min_size=1,
    max_size=6,
).map(tuple)


def taken(order: Order, turns: Sequence[Turn], seed: int) -> Iterator[Happened]:
    """Let the turns happen to an order: no more goes back than was sold, no more money than came in."""
    dice, at = Dice(seed, "turns"), order.at
    left = {line.order_detail_id: line.quantity for line in order.lines if line.modifies is None}
    received = sum((payment.amount_idr for payment in order.payments), _ZERO)
    for turn in turns:
        at += timedelta(minutes=turn.minutes)
        match turn.kind:
            case "pay":
                amount = (order.total_idr * turn.percent / 100).quantize(Decimal(1))
                if amount:
                    received += amount
                    paid = pays(dice, _TENDERS[turn.tender], amount, at)
                    yield OrderPaid(at=at, order_id=order.order_id, payment=paid)
            case "refund":
                pieces = tuple(_pieces(left, turn.percent))
                refund = _refund(dice, order, turn, pieces, received, at)
                if refund.pieces or refund.money:
                    received -= refund.amount_idr
                    for piece in pieces:
                        left[piece.order_detail_id] -= piece.quantity
                    yield OrderRefunded(at=at, order_id=order.order_id, refund=refund)
            case "void":
                money = (gives_back(dice, pays(dice, CASH, received, at), received, at, void=True),) if received else ()
                yield OrderVoided(at=at, order_id=order.order_id, reason="Salah pesan", money=money)
                return


def _pieces(left: dict[str, Decimal], percent: int) -> Iterator[RefundedPiece]:
    for identity, quantity in left.items():
        some = quantity * min(percent, 100) / 100
        back = quantity if percent >= 100 else some.to_integral_value() if quantity == int(quantity) else _ZERO
        if back:
            yield RefundedPiece(order_detail_id=identity, quantity=back)


def _refund(
    dice: Dice, order: Order, turn: Turn, pieces: tuple[RefundedPiece, ...], received: Decimal, at: datetime
) -> Refund:
    worth = sum((worth_of(order, piece) for piece in pieces), _ZERO)
    amount = _ZERO if turn.more is None else min(max(worth + turn.more, _ZERO), received)
    tender: Tender = _TENDERS[turn.tender]
    return Refund(
        refund_id=dice.guid(),
        amount_idr=amount,
        pieces=pieces,
        restocked=turn.restocked,
        money=gives_back(dice, pays(dice, tender, amount, at), amount, at) if amount else None,
        webhook=dice.chance(0.85),
    )
