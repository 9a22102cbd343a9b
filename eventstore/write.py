"""One statement writes a decided batch behind its head, all or nothing."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, TypeVar

import asyncpg

from eventstore.batch import Decided
from eventstore.connection import Connection
from eventstore.statements import statement

_APPEND_ONE = statement(__package__, "append_one")
_APPEND_BATCH = statement(__package__, "append_batch")
_Value = TypeVar("_Value", str, int, bytes, datetime)


class Miss(Enum):
    """Why a batch did not go in although nothing is wrong with it."""

    HEAD_MOVED = auto()
    """Another writer took these positions."""
    TAKEN = auto()
    """A source id or a stream version was taken already: what the batch was decided on is older than the ledger."""


def why_missed(error: BaseException) -> Miss | None:
    """Tell a race that was lost from an error; None is an error."""
    match error:
        case asyncpg.UniqueViolationError():
            # The key on positions is the first that an insertion meets, and the only one named `…_pkey`.
            return Miss.HEAD_MOVED if (error.constraint_name or "").endswith("_pkey") else Miss.TAKEN
        case asyncpg.NotNullViolationError() if error.table_name == "ledger_head":
            return Miss.HEAD_MOVED
        case asyncpg.DeadlockDetectedError():
            # Two batches that hold a source id of each other: the server lets one of them go on.
            return Miss.TAKEN
        case _:
            return None


async def write_decided(connection: Connection, store_id: str, decided: Decided, *, follows: bool) -> None:
    """Write decided facts behind the head they were decided on, in one statement, all or nothing.

    `follows` another batch of this process that may still be on its way: then this one waits for it.
    Raises what `why_missed` explains if the head stands elsewhere or something was taken already.
    """
    if len(decided.facts) == 1 and not follows and not decided.before.archived:
        status = await connection.execute(_APPEND_ONE, *_ends(store_id, decided), *_columns_of_one(decided))
    else:
        status = await connection.execute(
            _APPEND_BATCH, *_ends(store_id, decided), *_columns(decided), decided.before.archived
        )
    assert status == "UPDATE 1", f"the ledger of {store_id!r} has no head"


def _ends(store_id: str, decided: Decided) -> tuple[Any, ...]:
    before, after = decided.before, decided.after
    return store_id, before.position, before.hash, after.position, after.hash, after.recorded_at


def _columns_of_one(decided: Decided) -> tuple[Any, ...]:
    (fact,), (stream_version,) = decided.facts, decided.stream_versions
    return (
        fact.stream_id, stream_version, fact.type, fact.schema_version, fact.source_id, fact.observed_at,
        fact.body, fact.sealed, fact.metadata,
    )  # fmt: skip


def _columns(decided: Decided) -> tuple[Any, ...]:
    facts = decided.facts
    return (
        _texts([fact.stream_id for fact in facts]),
        _numbers(decided.stream_versions),
        _one_if_equal([fact.type for fact in facts]),
        _one_if_equal([fact.schema_version for fact in facts]),
        _texts([fact.source_id for fact in facts]),
        _one_if_equal([fact.observed_at for fact in facts]),
        [fact.body for fact in facts],
        _one_if_equal([fact.sealed for fact in facts]),
        [fact.metadata for fact in facts],
        b"".join(decided.hashes),
    )


def _one_if_equal(values: list[_Value]) -> Sequence[_Value]:
    return values[:1] if values.count(values[0]) == len(values) else values


def _texts(values: list[str]) -> str:
    """Return an array literal; only quotes and backslashes mean something between its quotes."""
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{joined}"}}'


def _numbers(values: list[int]) -> str:
    return "{" + ",".join(map(str, values)) + "}"
