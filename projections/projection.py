"""What a projection is: a name, the states it keeps by key, the tables it fills, and a pure `evolve`."""

from collections.abc import Callable, Mapping, Sequence
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


def first_row(known: Row, told: Row) -> Row:
    """Keep what is there."""
    del told
    return known


def last_row(known: Row, told: Row) -> Row:
    """Replace what is there."""
    del known
    return told


class Table:
    """How rows of one type are written: `<package>/sql/<name>.sql`, one array a column, sorted by key.

    The statement's first parameters are store and projection; it takes the store from `projection_cursor`.
    `merge` makes one row of two of a batch that have one key. It must do what the statement does with a row that is
    there already, or the size of a batch would show in the table. `live_only` rows are never written by a rebuild.
    """

    def __init__(
        self,
        package: str,
        name: str,
        row: type[Row],
        *,
        merge: Callable[[Any, Any], Row] | None = None,
        live_only: bool = False,
    ) -> None:
        self.sql = statement(package, name)
        self.row = row
        self.merge = merge if merge is not None else last_row
        self.live_only = live_only

    def columns(self, rows: Sequence[Row]) -> list[list[Any]]:
        """Return one list a column for `rows`, a row a key, sorted: two writers then lock in one order."""
        by_key: dict[tuple[Any, ...], Row] = {}
        for row in rows:
            known = by_key.get(row.key)
            by_key[row.key] = row if known is None else self.merge(known, row)
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

    @property
    def row_tables(self) -> Sequence[str]:
        """The names of the tables that a rebuild compares and swaps."""

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return the keys of the states that `evolve` may need for this fact."""

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Fold one fact. A missing key in `states` was never set."""
