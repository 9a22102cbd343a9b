"""What a rebuild finds: rows that differ from the live ones, and commands that appear or vanish."""

import msgspec

# On each side of each table; who sees a thousand differing rows needs no more of them.
DIFFERENCES_MAX = 1_000


class Difference(msgspec.Struct, frozen=True):
    """A row that stands on one side only; a changed row stands on both. `row` is its JSON."""

    table: str
    side: str
    row: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found. `changed` is true also where only states differ, which nobody but a fold reads.

    `appeared` are due commands that the rules of this release make and the live fold did not; `vanished` the reverse.
    """

    differences: tuple[Difference, ...]
    changed: bool
    appeared: tuple[str, ...]
    vanished: tuple[str, ...]
