"""What a play will do, all of it chosen from one seed: who calls what, what breaks and when. Pure.

The machine chooses the interleaving; the calls, their order within a client, and the faults are the seed's.
"""

from enum import StrEnum

import msgspec

from eventstore.event import NewFact
from eventstore.facts.settings import LiveModeActivated
from ops.sandbox.dice import Dice
from tests.ledger import NOON, member
from tests.story import CONNECTION, MAIN, full_order, own, paid, reported

SEEDS_A_RESTART = 25
STREAMS = 5
LIVE = LiveModeActivated(actor="owner", activated_at=NOON)
CALL_FACTS_MAX = 120


class Expects(StrEnum):
    """Which version of its stream a fact expects."""

    NOTHING = "nothing"
    KNOWN = "what the client knows"
    WRONG = "another"


class FaultKind(StrEnum):
    """What can break."""

    KILL_BACKENDS = "all backends killed"
    KILL_BACKEND = "one backend killed"
    KILL_PROCESS = "appender process killed"
    PAUSE_PROCESS = "appender process paused"
    SWALLOW_ANSWER = "answer swallowed after the commit"
    HOLD_HEAD = "head row held"
    END_LEASE = "fold lease ended"
    RESTART_FAST = "server restarted (fast)"
    RESTART_IMMEDIATE = "server restarted (immediate)"


class Intent(msgspec.Struct, frozen=True):
    """A fact a client wants in."""

    fact: NewFact
    expects: Expects


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a client: new facts, or (`replays`) an earlier call of anybody once more, named by a share of all."""

    store_id: str
    intents: tuple[Intent, ...]
    replays: float | None
    other_content: bool
    clock_seconds: int
    gives_up: bool
    reads_back: bool


class Client(msgspec.Struct, frozen=True):
    """Calls one after the other through one writer."""

    writer: int
    turns: tuple[Turn, ...]


class Fault(msgspec.Struct, frozen=True):
    """What breaks once so many calls have ended; `target` (0 … 1) chooses among those it could hit."""

    after_calls: int
    kind: FaultKind
    target: float


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A whole play. `writers` says of each whether it is a process of its own."""

    seed: int
    stores: tuple[str, ...]
    writers: tuple[bool, ...]
    clients: tuple[Client, ...]
    faults: tuple[Fault, ...]
    follower_facts_max: tuple[int, ...]
    fold_facts_max: int


def make_plan(seed: int) -> Plan:
    """Choose a play."""
    dice = Dice(seed, "plan")
    stores = tuple(f"hot-{number}" for number in range(dice.pick((1, 1, 2, 3))))
    # In a rush an appender has so much to do that it keeps two batches in flight: repeats meet originals there.
    rush = dice.chance(0.25)
    writers = (True, False, *(dice.chance(0.4) for _ in range(dice.between(0, 2))))
    clients = tuple(
        _client(dice, stores, writer, f"{seed}.{writer}.{number}", rush=rush)
        for writer in range(len(writers))
        for number in range(dice.between(2, 5))
    )
    calls = sum(len(client.turns) for client in clients)
    return Plan(
        seed=seed,
        stores=stores,
        writers=writers,
        clients=clients,
        faults=_faults(dice, seed, calls),
        follower_facts_max=(dice.between(1, 5), dice.between(20, 200)),
        fold_facts_max=dice.pick((3, 20, 200)),
    )


def _client(dice: Dice, stores: tuple[str, ...], writer: int, name: str, *, rush: bool) -> Client:
    turns = range(dice.between(4, 9))
    return Client(writer, tuple(_turn(dice, dice.pick(stores), f"{name}.{turn}", rush=rush) for turn in turns))


def _turn(dice: Dice, store_id: str, name: str, *, rush: bool) -> Turn:
    is_big = dice.chance(0.5 if rush else 0.05)
    facts = dice.between(40, CALL_FACTS_MAX) if is_big else dice.pick((1, 1, 1, 1, 2, 3, 8))
    return Turn(
        store_id=store_id,
        intents=tuple(_intent(dice, f"{name}.{number}") for number in range(facts)),
        replays=dice.between(0, 999) / 1000 if dice.chance(0.4 if rush else 0.2) else None,
        other_content=dice.chance(0.2),
        clock_seconds=dice.pick((0, 0, 1, 60, -60, -3600)),
        gives_up=dice.chance(0.05),
        reads_back=dice.chance(0.3),
    )


def _intent(dice: Dice, source_id: str) -> Intent:
    expects = dice.pick((Expects.NOTHING,) * 6 + (Expects.KNOWN,) * 3 + (Expects.WRONG,))
    number = dice.between(1, STREAMS)
    match dice.between(1, 6):
        case 1:
            fact = own(dice.pick((MAIN, LIVE)), "settings", source_id)
        case 2:
            fact = own(CONNECTION, "settings", source_id)
        case 3 | 4:
            payments = [paid(f"t{payment}", 5_000) for payment in range(dice.between(0, 3))]
            order = full_order(order_id=f"order-{number}", order_reference=f"#{number}", transactions=payments)
            fact = msgspec.structs.replace(reported("order", number, NOON, "webhook", order), source_id=source_id)
        case _:
            fact = member(number, source=source_id)
    return Intent(fact, expects)


def _faults(dice: Dice, seed: int, calls: int) -> tuple[Fault, ...]:
    kinds = [
        FaultKind.KILL_PROCESS,
        *dice.picks((FaultKind.KILL_BACKENDS, FaultKind.KILL_BACKEND, FaultKind.SWALLOW_ANSWER), 2),
        *(dice.pick([kind for kind in FaultKind if not kind.name.startswith("RESTART")]) for _ in range(3)),
    ]
    if seed % SEEDS_A_RESTART == SEEDS_A_RESTART - 1:
        kinds.append(dice.pick((FaultKind.RESTART_FAST, FaultKind.RESTART_IMMEDIATE)))
    dice.shuffle(kinds)
    places = sorted(dice.between(2, max(3, calls * 9 // 10)) for _ in kinds)
    return tuple(Fault(place, kind, dice.between(0, 999) / 1000) for place, kind in zip(places, kinds, strict=True))
