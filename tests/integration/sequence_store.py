"""Stores as they must not be: positions from a sequence, read in their order or in that of transactions.

Kept to show that the test of late commits catches both.
"""

from typing import Self

import asyncpg

from eventstore.connection import Connection

_SCHEMA = """
CREATE TABLE sequence_streams (stream_id text PRIMARY KEY);
CREATE TABLE sequence_facts (
    position bigserial PRIMARY KEY, source_id text NOT NULL, transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
)
"""


class SequenceWriter:
    """Appends inside a transaction of its own, so that a test can hold one open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._transaction = connection.transaction()

    @classmethod
    async def begin(cls, url: str) -> Self:
        """Connect and begin."""
        writer = cls(await asyncpg.connect(url))
        await writer._transaction.start()
        return writer

    async def append(self, source_id: str) -> None:
        """Write a fact; others see it after `commit`."""
        await self._connection.execute("INSERT INTO sequence_facts (source_id) VALUES ($1)", source_id)

    async def touch_stream(self, stream_id: str) -> None:
        """Write a stream's row, as such stores do before its facts: from here on the transaction has its id."""
        await self._connection.execute("INSERT INTO sequence_streams VALUES ($1)", stream_id)

    async def commit(self) -> None:
        """Make it visible."""
        await self._transaction.commit()
        await self._connection.close()


class SequenceReader:
    """Follows by the last position it saw."""

    _READ = "SELECT position, source_id FROM sequence_facts WHERE position > $1 ORDER BY position LIMIT $2"

    def __init__(self, connection: Connection, *, page_facts: int = 100) -> None:
        self._connection = connection
        self._page_facts = page_facts
        self._position = 0

    async def read_new(self) -> list[str]:
        """Return a page of facts after the last position and move on."""
        rows = await self._connection.fetch(self._READ, self._position, self._page_facts)
        if rows:
            self._position = rows[-1]["position"]
        return [row["source_id"] for row in rows]


class TransactionOrderReader(SequenceReader):
    """Follows in the order of transactions, never past an open one, and also keeps the last position only."""

    _READ = """
    SELECT position, source_id FROM sequence_facts
    WHERE position > $1 AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY transaction_id, position LIMIT $2
    """


async def create_sequence_store(connection: Connection) -> None:
    """Make the table."""
    await connection.execute(_SCHEMA)
