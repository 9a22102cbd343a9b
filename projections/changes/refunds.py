"""What iSeller told of an order's refunds, and which reports and transactions are one refund.

A refund is told by a report of its own, within its order, and as a transaction; none names another. Reports of one date
(to the second), amount and goods are one record. A record and a transaction of one amount are one refund, one to one:
of several the nearest in time, so that the order in which they are told plays no part.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Literal

import msgspec

from eventstore.chain import microseconds
from eventstore.event import Fact
from eventstore.facts.reports.orders import OrderReport, Transaction
from eventstore.facts.reports.refunds import RefundedLine, RefundReport, ReturnedUnit
from projections.changes.times import read_utc

_ZERO = Decimal(0)


class Goods(msgspec.Struct, frozen=True, array_like=True):
    """So much of one product; `product_id` and `sku` as iSeller told them, empty where it did not."""

    product_id: str
    sku: str
    quantity: Decimal

    @property
    def name(self) -> str:
        """What people call the product."""
        return self.sku or self.product_id or "a product without SKU"


class RefundRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A refund as reports tell it; `at` UTC, `amount` IDR, None: not told.

    `refunded`: what money was given back for. `restocked`: what went back on the shelf. `tells_goods`: at least one of
    the two was told, even if it is nothing.
    """

    key: str
    at: datetime | None
    amount: Decimal | None
    refunded: tuple[Goods, ...]
    restocked: tuple[Goods, ...]
    tells_goods: bool

    @property
    def has_goods(self) -> bool:
        """Tell whether it is about goods at all."""
        return bool(self.refunded or self.restocked)


class MoneyBack(msgspec.Struct, frozen=True, kw_only=True):
    """A successful transaction of type `refund`. `amount` in IDR."""

    transaction_id: str
    amount: Decimal
    at: datetime
    gateway: str
    payment_type_name: str | None


class PaidBack(msgspec.Struct, frozen=True, array_like=True):
    """Money that is planned to go back, IDR. `liability`: the account it goes onto, empty for money proper."""

    account: str
    liability: str
    amount: Decimal


class PlannedRefund(msgspec.Struct, frozen=True, array_like=True):
    """A refund that is planned on the booking of `revision`, with the transactions and the money that were part of it.

    `worth`: what its goods were worth on that invoice, IDR. `is_carried`: the booking was replaced by another one, onto
    which what was left of its money was carried. `unbooked`: what of its money had never been booked, beside `paid`.
    """

    revision: int
    transactions: tuple[str, ...] = ()
    paid: tuple[PaidBack, ...] = ()
    worth: Decimal = _ZERO
    is_carried: bool = False
    unbooked: Decimal = _ZERO


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back of an order, as it was told, and what of it is planned, by the refund's key.

    `money` and `voided` (when) by transaction. `money_seen_at`, `records_seen_at`: when all transactions of the order,
    and all records, were told last, and `told_at` when each was told first, by the reports' own time whatever the order
    they came in, in microseconds: a till that was offline tells what happened long before, one report after the other.
    `over`: what refunds lower an invoice that was booked anew by beyond what they were worth on the one before, IDR.
    """

    records: dict[str, RefundRecord] = {}
    money: dict[str, MoneyBack] = {}
    voided: dict[str, datetime] = {}
    money_seen_at: int = 0
    records_seen_at: int = 0
    told_at: dict[str, int] = {}
    over: Decimal = _ZERO
    planned: dict[str, PlannedRefund] = {}

    def knows_money_of(self, at: datetime, key: str = "") -> bool:
        """Tell whether all money that moved by `at`, and all of the refund that was first told as `key`, is known."""
        return self.money_seen_at >= max(microseconds(at), self.told_at.get(key, 0))

    def knows_records_of(self, at: datetime, key: str = "") -> bool:
        """Tell whether all records of refunds by `at`, and of the one that was first told as `key`, are known."""
        return self.records_seen_at >= max(microseconds(at), self.told_at.get(key, 0))

    def with_planned(self, key: str, planned: PlannedRefund) -> "TakenBack":
        """Return the same with one refund planned."""
        return msgspec.structs.replace(self, planned={**self.planned, key: planned})


class Refund(msgspec.Struct, frozen=True):
    """One refund: its record, its money, or both."""

    key: str
    record: RefundRecord | None
    money: tuple[MoneyBack, ...]

    @property
    def at(self) -> datetime | None:
        """When it happened, as its record tells, else its money."""
        return self.record.at if self.record is not None else self.money[0].at

    @property
    def amount(self) -> Decimal | None:
        """What was given back, as its record tells, else its money."""
        return self.record.amount if self.record is not None else self.paid

    @property
    def paid(self) -> Decimal:
        """The money that moved."""
        return sum((money.amount for money in self.money), _ZERO)

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key under which the refund, or its money alone, was or is known."""
        return (self.key, *(money.transaction_id for money in self.money if money.transaction_id != self.key))


def refund_told(known: TakenBack, report: RefundReport, observed: int) -> TakenBack:
    """Take in one refund, told by a report of its own or within its order; `observed`: when, in microseconds."""
    record = _record(report)
    known = _first_told(known, record.key, observed)
    if record.key in known.records:
        return known
    return msgspec.structs.replace(known, records={**known.records, record.key: record})


def return_transaction_told(
    known: TakenBack, transaction: Transaction, at: datetime | None, observed: int
) -> TakenBack:
    """Take in one successful transaction of type `refund` or `void`; `at`: when it happened, UTC, if it was told.

    `observed`: when it was told, in microseconds.
    """
    identity = transaction.transaction_id
    assert identity is not None
    if at is None or identity in known.voided:
        return known
    if identity in known.money:
        return _first_told(known, identity, observed)
    if _type_of(transaction) == "void":
        return msgspec.structs.replace(known, voided={**known.voided, identity: at})
    if transaction.amount is None or transaction.amount == 0:
        return known
    money = MoneyBack(
        transaction_id=identity,
        # Some shops' reports tell money that goes out below zero.
        amount=abs(transaction.amount),
        at=at,
        gateway=(transaction.gateway or "").lower(),
        payment_type_name=transaction.payment_type_name,
    )
    return _first_told(msgspec.structs.replace(known, money={**known.money, identity: money}), identity, observed)


def order_told(known: TakenBack, report: OrderReport, fact: Fact, *, polled: bool) -> TakenBack:
    """Take in the refunds of an order's report, and how much of them it can know.

    One that tells transactions tells all of them. A polled one then tells all records, too; a webhook may leave them
    out.
    """
    at = microseconds(fact.observed_at)
    for refund in report.refunded_orders or ():
        known = refund_told(known, refund, at)
    if report.transactions is None:
        return known
    tells_records = polled or report.refunded_orders is not None
    return msgspec.structs.replace(
        known,
        money_seen_at=max(known.money_seen_at, at),
        records_seen_at=max(known.records_seen_at, at) if tells_records else known.records_seen_at,
    )


def refunds_of(known: TakenBack) -> tuple[Refund, ...]:
    """Return all refunds, the oldest first; what is planned together stays together."""
    records = {key: record for key, record in known.records.items() if key in known.planned or not _is_less(known, key)}
    money = dict(known.money)
    found: list[Refund] = []
    for key, planned in known.planned.items():
        ours = tuple(money.pop(identity) for identity in planned.transactions)
        found.append(Refund(key, records.pop(key, None), ours))
    for key, identity in _nearest(records.values(), money.values()):
        if key in records and identity in money:
            found.append(Refund(key, records.pop(key), (money.pop(identity),)))
    found += _together(known, records, money)
    found += [Refund(key, record, ()) for key, record in records.items()]
    found += [Refund(identity, None, (alone,)) for identity, alone in money.items()]
    return tuple(sorted(found, key=lambda refund: (refund.at is None, refund.at and refund.at.timestamp(), refund.key)))


def _first_told(known: TakenBack, key: str, observed: int) -> TakenBack:
    """Note when a record or money was told, unless an earlier report told it, whichever of them came in first.

    A webhook may come in before a poll that was made before it. What waited for a report after that webhook would wait
    for ever: the next polls show what the poll showed, which is no news.
    """
    if known.told_at.get(key, observed + 1) <= observed:
        return known
    return msgspec.structs.replace(known, told_at={**known.told_at, key: observed})


def _type_of(transaction: Transaction) -> Literal["refund", "void"]:
    return "void" if (transaction.type or "").lower() == "void" else "refund"


def _record(report: RefundReport) -> RefundRecord:
    at = read_utc(report.refund_date).replace(microsecond=0) if report.refund_date else None
    amount = None if report.refund_amount is None else abs(report.refund_amount)
    refunded, restocked = _goods(report.refund_details), _goods(report.units_returned)
    told = [
        sorted((each.sku or each.product_id, _text(each.quantity)) for each in goods) for goods in (refunded, restocked)
    ]
    digest = sha256(msgspec.json.encode(told)).hexdigest()[:8]
    when = "undated" if at is None else f"{at:%Y%m%dT%H%M%S}"
    return RefundRecord(
        key=f"{when}-{'unknown' if amount is None else _text(amount)}-{digest}",
        at=at,
        amount=amount,
        refunded=refunded,
        restocked=restocked,
        tells_goods=report.refund_details is not None or report.units_returned is not None,
    )


def _goods(told: Iterable[RefundedLine | ReturnedUnit] | None) -> tuple[Goods, ...]:
    """Return what was told, one entry a product, without what is none."""
    amounts: dict[tuple[str, str], Decimal] = {}
    for line in told or ():
        product = ((line.product_id or "").strip(), (line.sku or "").strip())
        quantity = line.quantity if isinstance(line, RefundedLine) else line.stock
        amounts[product] = amounts.get(product, _ZERO) + (quantity or _ZERO)
    return tuple(Goods(*product, quantity) for product, quantity in sorted(amounts.items()) if quantity)


def _text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _is_less(known: TakenBack, key: str) -> bool:
    """Tell whether a record tells no goods that another one of its date and amount tells."""
    record = known.records[key]
    return not record.tells_goods and any(
        other.tells_goods and (other.at, other.amount) == (record.at, record.amount) for other in known.records.values()
    )


def _nearest(records: Iterable[RefundRecord], money: Iterable[MoneyBack]) -> list[tuple[str, str]]:
    """Return what may be one refund, record and transaction, the nearest in time first."""
    told = list(money)
    pairs = [
        (abs(record.at - each.at), record.key, each.transaction_id)
        for record in records
        for each in told
        if record.at is not None and record.amount == each.amount
    ]
    return [(key, identity) for _, key, identity in sorted(pairs)]


def _together(known: TakenBack, records: dict[str, RefundRecord], money: dict[str, MoneyBack]) -> list[Refund]:
    """Find the one record that several transactions make up; what they are made of is taken out."""
    left = [record for record in records.values() if record.amount]
    if (
        len(left) != 1
        or len(money) < 2
        or not all(known.knows_records_of(each.at, each.transaction_id) for each in money.values())
    ):
        return []
    (record,) = left
    parts = tuple(sorted(money.values(), key=lambda each: (each.at, each.transaction_id)))
    if (
        record.at is None
        or not known.knows_records_of(record.at, record.key)
        or sum(each.amount for each in parts) != record.amount
    ):
        return []
    del records[record.key]
    money.clear()
    return [Refund(record.key, record, parts)]
