"""What a projection is: a name, the states it keeps by key, the tables it fills, and a pure `evolve`."""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, ClassVar, Protocol

import msgspec

from eventstore.event import Fact
from eventstore.facts.registry import Meaning
from eventstore.statements import statement

_TARGET = re.compile(r"\A(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row to write. Fields stand in the order of its statement's parameters; `key_fields` lead."""

    key_fields: ClassVar[int] = 1


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

    Where a statement changes rows that another one adds, `stored` is the type of the rows as they stand, and `apply`
    does to one of them (None: not there, or no more) what the statement does. Without it `merge` says it all, and
    without that the last row stands: then `apply` is None.
    """

    def __init__(
        self,
        package: str,
        name: str,
        row: type[Row],
        *,
        merge: Callable[[Any, Any], Row] | None = None,
        stored: type[Row] | None = None,
        apply: Callable[[Any, Any], Row | None] | None = None,
        live_only: bool = False,
    ) -> None:
        self.sql = statement(package, name)
        target = _TARGET.search(self.sql)
        assert target is not None, f"{name} writes no table"
        self.target = target[1]
        self.row = row
        self.merge = merge if merge is not None else last_row
        self.apply = self._merged if apply is None and merge is not None else apply
        self.stored = stored if stored is not None else row
        self.live_only = live_only
        self.key_of: Callable[[Any], Any] = attrgetter(*row.__struct_fields__[: row.key_fields])

    def _merged(self, known: Row | None, told: Row) -> Row:
        return told if known is None else self.merge(known, told)

    def columns(self, rows: Mapping[Any, Row]) -> list[list[Any]]:
        """Return one list a column for rows by key, sorted by it: two writers then lock in one order."""
        ordered = [msgspec.structs.astuple(rows[key]) for key in sorted(rows)]
        return [list(column) for column in zip(*ordered, strict=True)]


States = Mapping[str, msgspec.Struct]


class Evolved(msgspec.Struct, frozen=True, gc=False):
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
        """Fold one fact. A missing key in `states` was never set.

        What a fold sees of a fact is what `FollowedFact` has: no hash and no sealed values.
        """
