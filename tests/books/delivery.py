"""How reports come in: in which order, how often, or never; from a seed, or drawn so that it shrinks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

_WAITED_MINUTES = 20
_LATE_MINUTES = 40
_RETRIED = 0.4
_POLLED_BETWEEN = 0.5


class Way(msgspec.Struct, frozen=True):
    """One webhook's: first tried after `waited` minutes, taken `late` minutes later; `again` once more; or `lost`."""

    waited: float = 0
    late: float = 0
    again: tuple[tuple[float, float], ...] = ()
    lost: bool = False


AT_ONCE = Way()


@dataclass(frozen=True)
class Delivery:
    """The ways of all webhooks in turn, which polls are seen beside the last one, and an order for what they show."""

    ways: Iterator[Way]
    polls: Sequence[bool]
    mixed: Callable[[Sequence[Any]], list[Any]]


class Drawn(msgspec.Struct, frozen=True):
    """What a drawn delivery is made of: ways that repeat, and what is seen of polls, back to front or not."""

    ways: tuple[Way, ...] = ()
    polls: tuple[bool, ...] = ()
    backwards: bool = False

    @property
    def delivery(self) -> Delivery:
        """The delivery."""
        step = -1 if self.backwards else 1
        return Delivery(cycle(self.ways or (AT_ONCE,)), self.polls, lambda told: list(told)[::step])


def seeded(seed: int, *, repeated: float, lost: float) -> Delivery:
    """Return a delivery in which such shares of the webhooks come twice or never."""
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated

    def when() -> tuple[float, float]:
        return dice.uniform(0, _WAITED_MINUTES), dice.uniform(0, _LATE_MINUTES) if dice.random() < _RETRIED else 0

    def ways() -> Iterator[Way]:
        while True:
            waited, late = when()
            yield Way(waited, late, (when(),) if dice.random() < repeated else (), dice.random() < lost)

    polls = [dice.random() < _POLLED_BETWEEN for _ in range(100)]
    return Delivery(ways(), polls, lambda told: dice.sample(told, len(told)))


_WHEN = st.tuples(st.integers(0, _WAITED_MINUTES), st.integers(0, _LATE_MINUTES))
_WAYS = st.builds(
    lambda when, again, lost: Way(when[0], when[1], again, lost),
    _WHEN,
    st.lists(_WHEN, max_size=2).map(tuple),
    st.booleans(),
)
DELIVERIES = st.builds(
    Drawn,
    ways=st.lists(_WAYS, max_size=5).map(tuple),
    polls=st.lists(st.booleans(), max_size=3).map(tuple),
    backwards=st.booleans(),
)
