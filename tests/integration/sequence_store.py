"""A store as it must not be: positions from a sequence. Kept to show that the test of late commits catches it."""

from typing import Self

import asyncpg

from eventstore.connection import Connection

_SCHEMA = """
CREATE TABLE sequence_facts (position bigserial PRIMARY KEY, source_id text NOT NULL)
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

    async def commit(self) -> None:
        """Make it visible."""
        await self._transaction.commit()
        await self._connection.close()


class SequenceReader:
    """Follows by the last position it saw."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._position = 0

    async def read_new(self) -> list[str]:
        """Return the facts after the last position and move on."""
        rows = await self._connection.fetch(
            "SELECT position, source_id FROM sequence_facts WHERE position > $1 ORDER BY position", self._position
        )
        if rows:
            self._position = rows[-1]["position"]
        return [row["source_id"] for row in rows]


async def create_sequence_store(connection: Connection) -> None:
    """Make the table."""
    await connection.execute(_SCHEMA)
