"""Several reading statements as one: one round trip, and everything as it is at one instant."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from eventstore.connection import Pool

_PARAMETER = re.compile(r"\$(\d+)")

# The values of a row in the order of the statement's columns: names are lost on the way.
Row: TypeAlias = tuple[Any, ...]


class Question(NamedTuple):
    """A statement that reads, with its parameters."""

    sql: str
    arguments: tuple[Any, ...] = ()


async def ask(pool: Pool, questions: Sequence[Question]) -> list[list[Row]]:
    """Return the rows of each question."""
    sql = _side_by_side(tuple(question.sql for question in questions))
    record = await pool.fetchrow(sql, *chain.from_iterable(question.arguments for question in questions))
    assert record is not None
    return list(record.values())


@cache
def _side_by_side(statements: tuple[str, ...]) -> str:
    """Return one statement with a column for each of `statements`: the array of its rows."""
    columns, before = [], 0
    for sql in statements:
        # The statements are our own files; what is asked for stands in their parameters.
        columns.append(f"ARRAY(SELECT told FROM (\n{_renumbered(sql, before)}\n) AS told)")  # noqa: S608 - as above
        before += max((int(found) for found in _PARAMETER.findall(sql)), default=0)
    return f"SELECT {', '.join(f'{column} AS answer_{number}' for number, column in enumerate(columns))}"


def _renumbered(sql: str, before: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + before}", sql)
