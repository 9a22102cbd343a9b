"""Several statements as one: one round trip, and everything as it is at one instant."""

import re
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from eventstore.connection import Pool

_PARAMETER = re.compile(r"\$(\d+)")
# The clauses of a statement, and what it tells in the end: all that is not indented begins one or the other.
_WRITING = re.compile(r"^WITH (?P<clauses>.*)^(?P<tells>SELECT .*)", re.DOTALL | re.MULTILINE)

# The values of a row in the order of the statement's columns: names are lost on the way.
Row: TypeAlias = tuple[Any, ...]


class Question(NamedTuple):
    """A statement with its parameters."""

    sql: str
    arguments: tuple[Any, ...] = ()


async def ask(pool: Pool, questions: Sequence[Question]) -> list[list[Row]]:
    """Return the rows of each question."""
    sql = _side_by_side(tuple(question.sql for question in questions))
    record = await pool.fetchrow(sql, *chain.from_iterable(question.arguments for question in questions))
    assert record is not None
    return list(record.values())


async def write_then(pool: Pool, first: Question, then: Question) -> list[Row] | None:
    """Write both, the second only if the first tells true; return the rows of the second, None if it was not written.

    Both are clauses behind a WITH. The second's first parameter is an array of texts, of what it is about: without the
    first it is about nothing. Neither sees what the other writes.
    """
    record = await pool.fetchrow(_one_behind_the_other(first.sql, then.sql), *first.arguments, *then.arguments)
    assert record is not None
    is_written, rows = record
    return rows if is_written else None


@cache
def _one_behind_the_other(first: str, then: str) -> str:
    before = _last_parameter(first)
    one, other = _WRITING.search(first), _WRITING.search(_renumbered(then, before))
    assert one is not None, first
    assert other is not None, then
    about = f"(SELECT CASE WHEN is_true THEN ${before + 1}::text[] ELSE '{{}}' END FROM first_told)"  # noqa: S608 - as below
    clauses = re.sub(rf"\${before + 1}\b", about, other["clauses"])
    return (
        f"WITH {one['clauses']}, first_told (is_true) AS MATERIALIZED (\n{one['tells']}\n), {clauses}"  # noqa: S608 - as below
        f"SELECT first_told.is_true, ARRAY(SELECT told FROM (\n{other['tells']}\n) AS told) FROM first_told"
    )


@cache
def _side_by_side(statements: tuple[str, ...]) -> str:
    """Return one statement with a column for each of `statements`: the array of its rows."""
    columns, before = [], 0
    for sql in statements:
        # The statements are our own files; what is asked for stands in their parameters.
        columns.append(f"ARRAY(SELECT told FROM (\n{_renumbered(sql, before)}\n) AS told)")  # noqa: S608 - as above
        before += _last_parameter(sql)
    return f"SELECT {', '.join(f'{column} AS answer_{number}' for number, column in enumerate(columns))}"


def _last_parameter(sql: str) -> int:
    return max((int(found) for found in _PARAMETER.findall(sql)), default=0)


def _renumbered(sql: str, before: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + before}", sql)
