"""What a projection is: a name, the states it keeps by key, the tables it fills, and a pure `evolve`."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from eventstore.event import Fact
from eventstore.facts.registry import Meaning
from eventstore.statements import statement


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row to write. Fields stand in the order of its statement's parameters; `key_fields` lead."""

    key_fields: ClassVar[int] = 1

    @property
    def key(self) -> tuple[Any, ...]:
        """The row's key within its store."""
        values = msgspec.structs.astuple(self)
        return values[: self.key_fields]


class Table:
    """How rows of one type are written: `<package>/sql/<name>.sql`, one array a column, sorted by key.

    The statement's first parameters are store and projection; it takes the store from `projection_cursor`.
    `first_wins` keeps the first row of a key in a batch (inserts that ignore what is there), else the last counts.
    """

    def __init__(self, package: str, name: str, row: type[Row], *, first_wins: bool = False) -> None:
        self.sql = statement(package, name)
        self.row = row
        self.first_wins = first_wins

    def columns(self, rows: Sequence[Row]) -> list[list[Any]]:
        """Return one list a column for `rows`, a row a key, sorted: two writers then lock in one order."""
        by_key: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            if not (self.first_wins and row.key in by_key):
                by_key[row.key] = row
        ordered = [msgspec.structs.astuple(by_key[key]) for key in sorted(by_key)]
        return [list(column) for column in zip(*ordered, strict=True)]


States = Mapping[str, msgspec.Struct]


class Evolved(msgspec.Struct, frozen=True):
    """What one fact does to a projection: new states by key, and rows to write, in order."""

    states: dict[str, msgspec.Struct]
    rows: Sequence[Row]


NOTHING = Evolved({}, ())


class Projection(Protocol):
    """A read model. `evolve` is pure: the same states and fact give the same answer, on any machine, at any time."""

    @property
    def name(self) -> str:
        """The projection's name, also of its cursor."""

    @property
    def state_type(self) -> Any:
        """The tagged union of Structs that its states are stored as."""

    @property
    def tables(self) -> Sequence[Table]:
        """The tables it fills, in the order they are written."""

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return the keys of the states that `evolve` may need for this fact."""

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Fold one fact. A missing key in `states` was never set."""
