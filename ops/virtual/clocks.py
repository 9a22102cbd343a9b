"""The clocks of a virtual run: that of each process, and the database's."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from ops.virtual.loop import VirtualLoop
from ops.virtual.postgres import nothing

# The loop stands still while it is asked: what never answers must not hold it for ever.
_SECONDS_MAX = 10
_GIVES_UP = f"-c statement_timeout={_SECONDS_MAX}s"


class VirtualClock:
    """Wall-clock time of one process: `start` and the loop's time, and as much ahead as it was set."""

    def __init__(self, start: datetime) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = start - timedelta(seconds=self._loop.time())
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time, to the microsecond."""
        return self._start + timedelta(seconds=self._loop.time()) + self._ahead

    def set_ahead(self, seconds: float) -> None:
        """Let this clock be wrong by so much; negative: behind."""
        self._ahead = timedelta(seconds=seconds)


class DatabaseTime:
    """The time that a database tells, and what only its server knows.

    `prepare` is for the database that runs are copied from. An instance writes the time right before a question that
    comes later than the last: a row a jump, 0.1 ms on a connection of its own beside the loop.
    """

    def __init__(self, url: str, now: Callable[[], datetime]) -> None:
        self._url = url
        self._now = now
        self._told: datetime | None = None
        self._connection: psycopg.Connection | None = None

    @staticmethod
    def prepare(url: str, function: str) -> None:
        """Let the SQL function that tells the time read it from a row."""
        with psycopg.connect(url) as connection:
            connection.execute(_statement("create_virtual_clock"))
            replaced = sql.SQL(_statement("replace_clock")).format(function=sql.Identifier(function))
            connection.execute(replaced)

    @contextmanager
    def told(self, loop: VirtualLoop) -> Iterator[None]:
        """Tell the time before each question that is asked in the loop."""
        turns = loop.postgres
        turns.before, turns.is_blocked = self._tell, self._awaits_lock
        try:
            yield
        finally:
            turns.before, turns.is_blocked = nothing, None
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _tell(self) -> None:
        now = self._now()
        if now != self._told:
            self._ask("set_virtual_clock", now)
            self._told = now

    def _awaits_lock(self, backend: int, holders: list[int]) -> bool:
        (blocked,) = self._ask("awaits_lock", backend, holders)
        return bool(blocked)

    def _ask(self, name: str, *parameters: object) -> tuple[object, ...]:
        """Ask once more where the server has been restarted meanwhile."""
        try:
            return self._asked(name, parameters)
        except psycopg.OperationalError:
            self._close()
            self._connection = None
            return self._asked(name, parameters)

    def _asked(self, name: str, parameters: tuple[object, ...]) -> tuple[object, ...]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=_SECONDS_MAX, options=_GIVES_UP
            )
        row: tuple[object, ...] | None = self._connection.execute(_statement(name), parameters).fetchone()
        assert row is not None
        return row


@cache
def _statement(name: str) -> str:
    """Return the text of a statement of this folder."""
    return files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
