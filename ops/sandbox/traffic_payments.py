"""How orders are paid: at once, split, in part, on account and later."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.traffic_order import Order, Payment

ISELLER_PAY = "iseller_pay"
_FEE_SHARE = Decimal("0.007")


class _Method(msgspec.Struct, frozen=True):
    gateway: str
    payment_type_id: str | None
    payment_type_name: str
    weight: int


_METHODS = (
    _Method("cash", None, "Cash", 9),
    _Method("external_debit", str(uuid5(NAMESPACE_URL, "https://kopi-nusantara.example/payment/edc")), "EDC BCA", 5),
    _Method(ISELLER_PAY, str(uuid5(NAMESPACE_URL, "https://kopi-nusantara.example/payment/qris")), "QRIS", 6),
)


def payments_at_completion(
    dice: Dice, kind: str, total_idr: Decimal, at: datetime, *, online: bool
) -> tuple[Payment, ...]:
    """Return what is paid when the order is completed: nothing, a part, all, or all by two methods."""
    if online:
        return (_payment(dice, ISELLER_PAY, total_idr, at),)
    match kind:
        case "on_account":
            # A registered customer sometimes pays something at once.
            parts = [_part_of(dice, total_idr)] if dice.chance(0.2) else []
        case "partial":
            parts = [_part_of(dice, total_idr)]
        case "split":
            first = _part_of(dice, total_idr)
            parts = [first, total_idr - first]
        case _:
            parts = [total_idr]
    # Split orders are split over two different methods.
    gateways = dice.picks([method.gateway for method in _METHODS], 2) if kind == "split" else [_gateway(dice)]
    return tuple(_payment(dice, gateway, part, at) for gateway, part in zip(gateways[: len(parts)], parts, strict=True))


def later_payments(dice: Dice, order: Order, kind: str, last_moment: datetime) -> list[Payment]:
    """Return the payments after completion: half of the on-account orders, some in two parts, and some partial ones."""
    unpaid = order.total_idr - sum(payment.amount_idr for payment in order.payments)
    if unpaid == 0 or not dice.chance({"on_account": 0.5, "partial": 0.4}.get(kind, 0)):
        return []
    parts = [unpaid]
    if kind == "on_account" and dice.chance(0.4):
        first = _part_of(dice, unpaid)
        # Some customers pay only the first part before the demo's days are over.
        parts = [first] if dice.chance(0.3) else [first, unpaid - first]
    minutes_left = int((last_moment - order.at).total_seconds() // 60)
    after_minutes = sorted(dice.picks(range(20, minutes_left + 1), len(parts)))
    return [
        _payment(dice, _gateway(dice), part, order.at + timedelta(minutes=after))
        for part, after in zip(parts, after_minutes, strict=True)
    ]


def _gateway(dice: Dice) -> str:
    return dice.pick([method.gateway for method in _METHODS for _ in range(method.weight)])


def _part_of(dice: Dice, amount_idr: Decimal) -> Decimal:
    """Between a fifth and four fifths, in whole rupiah and never nothing or all of it."""
    part = (amount_idr * dice.between(20, 80) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return max(Decimal(1), min(part, amount_idr - 1))


def _payment(dice: Dice, gateway: str, amount_idr: Decimal, at: datetime) -> Payment:
    method = next(method for method in _METHODS if method.gateway == gateway)
    fee = (amount_idr * _FEE_SHARE).quantize(Decimal(1), ROUND_HALF_UP) if gateway == ISELLER_PAY else Decimal(0)
    return Payment(
        transaction_id=dice.guid(),
        at=at,
        gateway=gateway,
        payment_type_id=method.payment_type_id,
        payment_type_name=method.payment_type_name,
        amount_idr=amount_idr,
        fee_idr=fee,
    )
