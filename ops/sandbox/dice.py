"""Chance from a seed: the same seed and purpose give the same choices and ids."""

from collections.abc import MutableSequence, Sequence
from random import Random
from typing import TypeVar
from uuid import UUID

Choice = TypeVar("Choice")


class Dice:
    """One independent stream of choices, named by what it is used for."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._random = Random(f"{seed}/{purpose}")  # noqa: S311 - a repeatable demo, not a secret

    def guid(self) -> str:
        """Return a version-4 GUID."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def between(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return self._random.randint(low, high)

    def chance(self, share: float) -> bool:
        """Return true in `share` (0 … 1) of the throws."""
        return self._random.random() < share

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Return one of them."""
        return self._random.choice(choices)

    def picks(self, choices: Sequence[Choice], count: int) -> list[Choice]:
        """Return `count` different ones."""
        return self._random.sample(choices, count)

    def shuffle(self, choices: MutableSequence[Choice]) -> None:
        """Put them in another order, in place."""
        self._random.shuffle(choices)
