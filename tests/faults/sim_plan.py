"""What one run of the simulator is made of, all of it chosen from one seed. Pure.

A world has one to four replicas, one to three stores in one or two companies, and a shop's business told by webhooks;
times are seconds of virtual time. Business happens, and things go wrong, until `FAULTS_END`; then all is repaired.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.jurnal.faults import FaultKind
from tests.story import full_order, line, paid, taxed

START = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
FAULTS_END = 160.0
SEEDS_A_RESTART = 25
# Of Jurnal, where anything goes wrong at all.
_SEEDS_A_JURNAL_RESTART = 10
_JURNAL_DOWN_SECONDS = (0, 40)
STORES = (("kopi", "kopi-company"), ("teh", "kopi-company"), ("jamu", "jamu-company"))
_KINDS = (
    FaultKind.RESET_AFTER_COMMIT,
    FaultKind.BAD_GATEWAY_AFTER_COMMIT,
    FaultKind.GATEWAY_TIMEOUT_AFTER_COMMIT,
    FaultKind.TIMEOUT_AFTER_COMMIT,
    FaultKind.SLOW_ANSWER,
    FaultKind.LATE_REQUEST,
    FaultKind.CLOCK_SKEW,
    FaultKind.OTHER_ABSENT,
    FaultKind.BODY_TRUNCATED,
    FaultKind.BODY_NOT_JSON,
    FaultKind.ROW_REFUSED,
    FaultKind.BATCH_STILL_COMMITTING,
    FaultKind.MINUTE_LIMIT,
)
_ITEM_IDR, _TAXED_IDR = 10_000, 11_100


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What iSeller says of one object at `said_at`, and when each webhook with it is first tried."""

    store_id: str
    kind: str
    body: bytes
    said_at: float
    told_at: tuple[float, ...]


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """What an order comes to in the end, IDR; `touched`: something is taken back of it."""

    store_id: str
    order_id: str
    total: int
    paid: int
    touched: bool


Moment = Literal["time", "question", "look", "send", "batch"]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one replica, at a second of the run or at the so-manieth of what it asks (`number`).

    A `question` is one of its own to the database. Calls to Jurnal may be anybody's, and it happens to whoever makes
    them: a `look` at what a send names or has made, a `send`, a send of several (`batch`). `is_written`: it has left by
    then, and nobody is there for the answer; else a call is connecting, all recorded and nothing written.
    """

    kind: Literal["kill", "stop", "clock"]
    moment: Moment
    number: int
    is_written: bool
    replica: int
    seconds: float


class WireShares(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of requests that the network treats badly."""

    slow: float = 0
    cut: float = 0
    lost: float = 0
    answer_lost: float = 0
    late: float = 0
    twice: float = 0


class Outage(msgspec.Struct, frozen=True):
    """When Jurnal goes down with all it has under way, and for how long."""

    at: float
    seconds: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. `restart_at`: when Postgres is restarted, `outages`: when Jurnal is.

    `overdue_share`: of the calls for several documents, those that Jurnal works on longer than anybody allows for.
    """

    seed: int
    replicas: int
    stores: tuple[tuple[str, str], ...]
    reports: tuple[Report, ...]
    sales: tuple[Sale, ...]
    faults: dict[FaultKind, float]
    wire: WireShares
    overdue_share: float
    key_race_seconds: float
    answer_seconds: float
    batch_keys_checked: Literal["documented", "none"]
    troubles: tuple[Trouble, ...]
    restart_at: float | None
    restart_mode: Literal["fast", "immediate"]
    outages: tuple[Outage, ...]


def make_plan(seed: int) -> Plan:
    """Choose a run."""
    dice = Dice(seed, "simulation")
    replicas = dice.pick((1, 1, 2, 2, 2, 3, 4))
    stores = dice.pick((STORES[:1], STORES[:1], STORES[:2], STORES[::2], STORES))
    shop = _Shop(dice, stores)
    shop.open(dice.between(5, 12))
    badness = dice.pick((0.0, 0.5, 1.0, 2.0))
    is_sleepy = replicas > 1 and dice.chance(0.4)
    # Where Jurnal checks no keys of several, whoever wakes up must not send them again.
    batch_keys: Literal["documented", "none"] = "none" if is_sleepy else dice.pick(("documented", "none"))
    faults = dict.fromkeys(dice.picks(_KINDS, dice.between(2, 5)), 0.06 * badness) if badness else {}
    wire = _wire(dice, badness, batch_keys)
    overdue_share = dice.pick((0.0, 0.5, 1.0)) if badness else 0.0
    key_race_seconds = dice.pick((0.0, 0.0, 1.0, 3.0)) if badness else 0.0
    outages = _outages(seed) if badness else ()
    return Plan(
        seed=seed,
        replicas=replicas,
        stores=stores,
        reports=tuple(sorted(shop.reports, key=lambda report: report.said_at)),
        sales=tuple(shop.sales),
        faults=faults,
        wire=wire,
        # Work that ends past its fence, and is then not seen yet by whoever asks for the same, nobody can know of. A
        # restart of Jurnal ends it before.
        overdue_share=0.0 if key_race_seconds or outages else overdue_share,
        key_race_seconds=key_race_seconds,
        answer_seconds=dice.pick((0.05, 0.2, 1.0)),
        batch_keys_checked=batch_keys,
        troubles=_sleepy(dice, replicas) if is_sleepy else _troubles(dice, replicas, 6),
        restart_at=dice.between(20, 120) if seed % SEEDS_A_RESTART == SEEDS_A_RESTART - 1 else None,
        restart_mode=dice.pick(("fast", "immediate")),
        outages=outages,
    )


def _outages(seed: int) -> tuple[Outage, ...]:
    """Let Jurnal restart once or twice in some worlds; of dice of its own, so that all other choices stay."""
    if seed % _SEEDS_A_JURNAL_RESTART != _SEEDS_A_JURNAL_RESTART - 2:
        return ()
    dice = Dice(seed, "Jurnal restarts")
    return tuple(
        Outage(float(dice.between(20, int(FAULTS_END) - 50)), float(dice.between(*_JURNAL_DOWN_SECONDS)))
        for _ in range(dice.between(1, 2))
    )


def _wire(dice: Dice, badness: float, batch_keys: str) -> WireShares:
    def share(most: float) -> float:
        return most * badness if dice.chance(0.5) else 0.0

    return WireShares(
        slow=share(0.1),
        cut=share(0.03),
        lost=share(0.03),
        answer_lost=share(0.06),
        late=share(0.1),
        # No caller can do anything about a network that repeats what Jurnal does not check.
        twice=share(0.05) if batch_keys == "documented" else 0.0,
    )


_NUMBERS = {"time": (5, int(FAULTS_END) - 20), "question": (1, 700), "look": (1, 20), "send": (1, 15), "batch": (1, 4)}
# A process that was killed is started again sooner than one that is stopped wakes up.
_SECONDS = {"kill": (1, 30), "stop": (1, 110), "clock": (-120, 120)}
# Long enough for another to take over, look at Jurnal, find that nothing came of an attempt whose Date counts no more,
# and make the next one.
_SLEEP_SECONDS = (60, 110)


def _troubles(dice: Dice, replicas: int, troubles_max: int) -> tuple[Trouble, ...]:
    return tuple(_trouble(dice, replicas) for _ in range(dice.between(0, troubles_max)))


def _sleepy(dice: Dice, replicas: int) -> tuple[Trouble, ...]:
    """Let little else happen than that one falls asleep over its work."""
    return (_sleep(dice), *_troubles(dice, replicas, 1))


def _trouble(dice: Dice, replicas: int) -> Trouble:
    kind: Literal["kill", "stop", "clock"] = dice.pick(("kill", "kill", "kill", "stop", "stop", "clock"))
    moment: Moment = dice.pick(("time", "question", "look", "send", "batch"))
    moment = "time" if kind == "clock" else moment
    return Trouble(
        kind=kind,
        moment=moment,
        number=dice.between(*_NUMBERS[moment]),
        is_written=dice.chance(0.5),
        replica=dice.between(0, replicas - 1),
        seconds=float(dice.between(*_SECONDS[kind])),
    )


def _sleep(dice: Dice) -> Trouble:
    """Let one wake up long after and go on to send what others have sent: it has just looked, or is about to write."""
    has_looked = dice.chance(0.65)
    return Trouble(
        kind="stop",
        moment="look" if has_looked else "batch",
        number=dice.between(1, 16) if has_looked else dice.between(1, 4),
        is_written=has_looked,
        replica=0,
        seconds=float(dice.between(*_SLEEP_SECONDS)),
    )


class _Shop:
    """Makes business and what iSeller says of it."""

    def __init__(self, dice: Dice, stores: tuple[tuple[str, str], ...]) -> None:
        self._dice = dice
        self._stores = [store_id for store_id, _ in stores]
        self.reports: list[Report] = []
        self.sales: list[Sale] = []

    def open(self, happenings: int) -> None:
        """Let so many things happen, some of them all at once."""
        makers = (*(self._order,) * 8, self._transfer, self._transfer, self._payout)
        rush = self._dice.between(1, 30) if self._dice.chance(0.7) else None
        for number in range(1, happenings + 1):
            at = rush if rush is not None and self._dice.chance(0.8) else self._dice.between(1, 70)
            self._dice.pick(makers)(number, self._dice.pick(self._stores), at)

    def _say(self, store_id: str, kind: str, at: float, fields: dict[str, Any]) -> None:
        dice = self._dice
        told = [at + (dice.between(0, 40) if dice.chance(0.3) else 0)]
        told += [at + dice.between(1, 60) for _ in range(2) if dice.chance(0.15)]
        body = msgspec.json.encode(fields)
        self.reports.append(Report(store_id=store_id, kind=kind, body=body, said_at=at, told_at=tuple(told)))

    def _order(self, number: int, store_id: str, at: float) -> None:
        dice = self._dice
        quantity, sku = dice.between(1, 3), dice.pick(("LATTE", "MOCHA"))
        is_taxed = dice.chance(0.5)
        total = quantity * (_TAXED_IDR if is_taxed else _ITEM_IDR)
        fields = full_order(
            order_id=f"order-{number}",
            order_reference=f"#{number}",
            order_date=_utc(at - 86_400 * dice.pick((0, 0, 0, 4))),
            outlet_id=(outlet := dice.pick(("main", "branch"))),
            outlet_name={"main": "Main Outlet", "branch": "Branch"}[outlet],
            total_order_amount=total,
            total_amount=total,
            order_details=[
                (taxed if is_taxed else line)(sku, quantity, _ITEM_IDR, order_detail_id="d1", product_id=f"p-{sku}")
            ],
            **self._customer(store_id),
        )
        amounts = self._amounts(total)
        payments = [
            paid(f"t{number}.{index}", amount, transaction_date=_utc(at + index), gateway=dice.pick(_GATEWAYS))
            for index, amount in enumerate(amounts)
        ]
        told_first = len(payments) if dice.chance(0.6) else 0
        self._say(store_id, "order", at, {**fields, "transactions": payments[:told_first]})
        if told_first < len(payments):
            self._say(store_id, "order", at + dice.between(5, 40), {**fields, "transactions": payments})
        touched = dice.chance(0.3)
        if touched and dice.chance(0.3):
            when = at + dice.between(45, 70)
            gone = {"status": "void", "cancel_date": _utc(when)}
            self._say(store_id, "order", when, {**fields, "transactions": payments, **gone})
        elif touched:
            self._refund(number, store_id, at + dice.between(10, 60), sku, total // quantity)
        self.sales.append(
            Sale(store_id=store_id, order_id=f"order-{number}", total=total, paid=sum(amounts), touched=touched)
        )

    def _refund(self, number: int, store_id: str, at: float, sku: str, amount: int) -> None:
        """Let one piece come back, and its money go in cash."""
        goods = {"sku": sku, "product_id": f"p-{sku}"}
        fields = {
            "order_id": f"order-{number}",
            "refund_date": _utc(at),
            "refund_amount": amount,
            "refund_details": [{**goods, "quantity": 1}],
            "units_returned": [{**goods, "stock": 1}],
        }
        self._say(store_id, "refund", at, fields)
        money = paid(f"r{number}", amount, type="refund", transaction_date=_utc(at), order_id=f"order-{number}")
        self._say(store_id, "transaction", at, money)

    def _customer(self, store_id: str) -> dict[str, Any]:
        if not self._dice.chance(0.25):
            return {}
        number = self._dice.between(1, 2)
        return {
            "customer_id": f"customer-{number}",
            "customer_first_name": f"Sari {number} {store_id}",
            "customer_last_name": "Contoh",
        }

    def _amounts(self, total: int) -> list[int]:
        match self._dice.between(1, 6):
            case 1:
                return []
            case 2:
                return [total // 2]
            case 3 | 4:
                return [total // 2, total - total // 2]
            case _:
                return [total]

    def _transfer(self, number: int, store_id: str, at: float) -> None:
        dice = self._dice
        sent, received = dice.between(2, 6), dice.between(1, 2)
        start = _act(f"a{number}", "Start", at, {"sku": "LATTE", "quantity": sent})
        quantities = {"accepted_quantity": received, "cancelled_quantity": 0, "rejected_quantity": 0}
        receipt = _act(f"b{number}", "Accept", at + 20, {"sku": "LATTE", **quantities})
        fields = {
            "transfer_id": f"transfer-{number}",
            "transfer_number": f"TO-{number}",
            "type": "Out",
            "out_type": "To Outlet",
            "outlet_id": "main",
            "outlet_name": "Main Outlet",
            "destination_outlet_id": "branch",
            "destination_outlet_name": "Branch",
        }
        self._say(store_id, "transfer", at, {**fields, "inventory_adjustments": [start]})
        if dice.chance(0.7):
            self._say(store_id, "transfer", at + 20, {**fields, "inventory_adjustments": [start, receipt]})

    def _payout(self, number: int, store_id: str, at: float) -> None:
        fields = {
            "reference_id": f"PO-{number}",
            "date": _utc(at),
            "status": "Completed",
            "transactions_amount": 100_000,
            "total_fees": 1_500,
            "total_deposit": 98_500,
        }
        self._say(store_id, "payout", at, fields)


_GATEWAYS = ("cash", "iseller_pay")


def _utc(seconds: float) -> str:
    return f"{START + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"


def _act(identity: str, action: str, at: float, moved: dict[str, Any]) -> dict[str, Any]:
    return {"inventory_adjustment_id": identity, "action": action, "date": _utc(at), "items": [moved]}
