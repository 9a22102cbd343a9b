"""Ways to pay on a whole day: money, channels' own, points and other value that the shop owes; and giving it back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import NAMESPACE_URL, uuid5

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_order import Payment
from ops.sandbox.traffic_payments import ISELLER_PAY
from ops.sandbox.traffic_plans import Money, Plan

_FEE_SHARE = Decimal("0.007")
_NOTE_IDR = Decimal(50_000)
CUSTOM = "custom"


class Tender(msgspec.Struct, frozen=True):
    """One way to pay as iSeller names it."""

    gateway: str
    payment_type_name: str

    @property
    def payment_type_id(self) -> str | None:
        """Null for cash."""
        if self.gateway == "cash":
            return None
        return str(uuid5(NAMESPACE_URL, f"https://kopi-nusantara.example/payment/{self.payment_type_name}"))


CASH = Tender("cash", "Cash")
CARD = Tender("external_debit", "EDC BCA")
QRIS = Tender(ISELLER_PAY, "QRIS")
GOPAY = Tender(CUSTOM, "GoPay")
STORE_CREDIT = Tender("store_credit", "Store Credit")
_MONEY = (CASH, CASH, CASH, CARD, CARD, QRIS, QRIS, GOPAY)
_OWED: dict[Money, Tender] = {
    "points": Tender("points", "Points"),
    "gift_card": Tender("gift_card", "Gift Card"),
    "store_credit": STORE_CREDIT,
    "account_balance": Tender("account_balance", "Card Balance"),
}


def account_of(scenario: Scenario, payment: Payment) -> str:
    """Return the account that a payment comes into or goes out of: Cash & Bank, or what the shop owes."""
    channels = {each.payment_type_name: each.account for each in scenario.channels if each.account}
    types = channels | scenario.type_accounts
    if payment.gateway == CUSTOM:
        account = types[payment.payment_type_name]
        assert account is not None
        return account
    return scenario.liabilities.get(payment.gateway) or scenario.gateway_accounts[payment.gateway]


def pays(dice: Dice, tender: Tender, amount_idr: Decimal, at: datetime) -> Payment:
    """Take money."""
    fee = _whole(amount_idr * _FEE_SHARE) if tender.gateway == ISELLER_PAY else Decimal(0)
    return Payment(
        transaction_id=dice.guid(),
        at=at,
        gateway=tender.gateway,
        payment_type_id=tender.payment_type_id,
        payment_type_name=tender.payment_type_name,
        amount_idr=amount_idr,
        fee_idr=fee,
    )


def gives_back(dice: Dice, payment: Payment, amount_idr: Decimal, at: datetime, *, void: bool = False) -> Payment:
    """Give an amount back the way it came; iSeller Pay keeps its fee of the sale and takes none of this."""
    return msgspec.structs.replace(
        payment,
        transaction_id=dice.guid(),
        at=at,
        amount_idr=amount_idr,
        fee_idr=Decimal(0),
        type="void" if void else "refund",
    )


def at_completion(dice: Dice, plan: Plan, total_idr: Decimal, at: datetime) -> tuple[Payment, ...]:
    """Return what is paid when the order is completed."""
    if plan.channel is not None:
        name = plan.channel.payment_type_name
        return (pays(dice, dice.pick((QRIS, QRIS, GOPAY)) if name is None else Tender(CUSTOM, name), total_idr, at),)
    if plan.money in _OWED:
        return _owed(dice, _OWED[plan.money], total_idr, at)
    return _by_money(dice, plan.money, total_idr, at)


def _by_money(dice: Dice, how: Money, total_idr: Decimal, at: datetime) -> tuple[Payment, ...]:
    match how:
        case "on_account" | "paid_later":
            return ()
        case "partial":
            return (pays(dice, dice.pick(_MONEY), _part(dice, total_idr), at),)
        case "split":
            first, second = dice.picks((CASH, CARD, QRIS, GOPAY), 2)
            part = _part(dice, total_idr)
            return (pays(dice, first, part, at), pays(dice, second, total_idr - part, at))
        case "overpaid":
            # The cashier enters the notes that were handed over; the change is nowhere told.
            return (pays(dice, CASH, (total_idr // _NOTE_IDR + 1) * _NOTE_IDR, at),)
        case _:
            return (pays(dice, dice.pick(_MONEY), total_idr, at),)


def later(dice: Dice, plan: Plan, unpaid_idr: Decimal, at: datetime, last: datetime) -> list[Payment]:
    """Return what is paid after completion: the rest in one or two parts, by another method, or nothing."""
    if unpaid_idr <= 0 or (plan.after != "nothing" and plan.money != "paid_later"):
        return []
    if plan.money != "paid_later" and not dice.chance(0.4):
        return []
    parts = [unpaid_idr]
    if plan.money == "on_account" and dice.chance(0.4):
        first = _part(dice, unpaid_idr)
        parts = [first] if dice.chance(0.3) else [first, unpaid_idr - first]
    minutes = int((last - at).total_seconds() // 60)
    after_minutes = sorted(dice.picks(range(5, max(minutes, 8)), len(parts)))
    tenders: Sequence[Tender] = (CARD,) if plan.after == "payment_reversed" else _MONEY
    return [
        pays(dice, dice.pick(tenders), part, at + timedelta(minutes=after))
        for part, after in zip(parts, after_minutes, strict=True)
    ]


def _owed(dice: Dice, tender: Tender, total_idr: Decimal, at: datetime) -> tuple[Payment, ...]:
    """Pay with what the shop owes, mostly with some cash beside it."""
    if dice.chance(0.4):
        return (pays(dice, tender, total_idr, at),)
    part = _part(dice, total_idr)
    owed, cash = pays(dice, tender, part, at), pays(dice, CASH, total_idr - part, at)
    return (owed, cash) if dice.chance(0.5) else (cash, owed)


def _part(dice: Dice, amount_idr: Decimal) -> Decimal:
    """Between a fifth and four fifths, in whole rupiah and never nothing or all of it."""
    return max(Decimal(1), min(_whole(amount_idr * dice.between(20, 80) / 100), amount_idr - 1))


def _whole(amount_idr: Decimal) -> Decimal:
    return amount_idr.quantize(Decimal(1), ROUND_HALF_UP)
