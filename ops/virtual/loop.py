"""An event loop whose time is virtual: when nothing is left to do now, it jumps to the next timer.

What is outside answers in real time, and meanwhile virtual time stands still: Postgres over its Unix socket
(`create_unix_connection`), and threads. Everything else that runs in the loop must be in the loop itself; see `wire`.
What comes from outside is looked at only once every callback has run, so the same questions make the same run.
"""

import asyncio
import contextvars
import heapq
import math
import selectors
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from ops.virtual.known_types import types_known
from ops.virtual.postgres import PostgresTurns, PostgresWire
from ops.virtual.process import PROCESS, Callback, Timer

T = TypeVar("T")
_Context = contextvars.Context | None
# So long an answer is awaited before anybody is asked whether it can come at all; most are there by then.
_PATIENCE_SECONDS = 0.003
# After so long without a word from outside, virtual time goes on all the same.
STALL_SECONDS_MAX = 10.0
# What is told that it is over has so long to see to its end.
_GRACE_SECONDS = 10.0
# A callback that always makes another must not keep answers out for ever.
_ROUNDS_WITHOUT_A_LOOK = 1_000


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time, which starts at 0. `postgres` gives the connections to Postgres their turns.

    `over_at`: when, of the real monotonic clock, whatever it still does ends with TimeoutError.
    """

    # Of asyncio's own loop, which typeshed says nothing of.
    _ready: deque[asyncio.Handle]
    _scheduled: list[Timer]
    _stopping: bool
    _clock_resolution: float
    _check_closed: Callable[[], None]

    def __init__(self) -> None:
        self._virtual = 0.0
        self._threads = 0
        self.over_at = math.inf
        self.postgres = PostgresTurns()
        super().__init__(_Outside(self))

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Let time pass at once."""
        self._virtual += seconds

    @property
    def has_work(self) -> bool:
        """Whether anything is to run now."""
        return bool(self._ready)

    @property
    def awaits_threads(self) -> bool:
        """Whether a thread is at work for a task."""
        return self._threads > 0

    def call_soon(  # type: ignore[override]  # typeshed's type variables say no more
        self, callback: Callable[..., object], *args: Any, context: _Context = None
    ) -> asyncio.Handle:
        """Call soon, unless the process that asks is stopped then."""
        self._check_closed()
        context = contextvars.copy_context() if context is None else context
        handle = Callback(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]  # as above
        self, when: float, callback: Callable[..., object], *args: Any, context: _Context = None
    ) -> asyncio.TimerHandle:
        """Call at a virtual time, or once the process that asks is not stopped any more."""
        self._check_closed()
        context = contextvars.copy_context() if context is None else context
        timer = Timer(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True  # noqa: SLF001 - what asyncio's own call_at says of it
        return timer

    def _run_once(self) -> None:
        """Run what is to run now, and all that comes of it, before anything outside is looked at.

        asyncio's own asks the selector between any two rounds, a tenth of what a run costs.
        """
        for _ in range(_ROUNDS_WITHOUT_A_LOOK):
            if not self._ready:
                break
            if not self._goes_on_after_round():
                return
        super()._run_once()  # type: ignore[misc]  # typeshed does not know it

    def _goes_on_after_round(self) -> bool:
        ready, scheduled, end = self._ready, self._scheduled, self._virtual + self._clock_resolution
        while scheduled and scheduled[0].when() < end:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False  # noqa: SLF001 - as asyncio's own round does
            ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001 - as above
        return not self._stopping

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: _Context = None,
    ) -> "asyncio.Task[T]":
        """Make a task that belongs to the process it is made in."""
        process = PROCESS.get() if context is None else context.get(PROCESS)
        task: asyncio.Task[T] = super().create_task(coro, name=name, context=context)
        if process is not None:
            process.tasks[task] = None
            task.add_done_callback(process.ended, context=contextvars.Context())
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell what nobody took care of, but not what happens to the killed."""
        process = PROCESS.get()
        if process is None or not process.is_killed:
            super().call_exception_handler(context)

    def run_in_executor(  # type: ignore[override]  # as above
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Run in a thread; time stands still until it has ended."""
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_ended, context=contextvars.Context())
        return future

    def _thread_ended(self, _future: "asyncio.Future[Any]") -> None:
        self._threads -= 1

    async def create_unix_connection(  # type: ignore[override]  # as above
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], path: str | None = None, **how: Any
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to a Postgres; its connections take turns."""
        process = PROCESS.get()
        if process is not None and process.is_killed:
            raise ConnectionRefusedError("the process is killed")
        inner = protocol_factory()
        assert isinstance(inner, asyncio.Protocol) or hasattr(inner, "data_received")
        _, wire = await super().create_unix_connection(lambda: PostgresWire(self.postgres, inner), path, **how)
        return wire, inner


class _Outside(selectors.DefaultSelector):
    """What the loop asks when it has nothing to do; here time passes, virtual or real."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what came from outside; nothing when time has jumped."""
        if timeout is not None and timeout <= 0:
            self._end_if_over()
            return super().select(0)
        self._end_if_over()
        self._loop.postgres.go_on()
        events = self._heard()
        if self._loop.has_work:
            return events
        if not events and timeout is not None:
            self._loop.jump(timeout)
        elif not events:
            events = super().select(STALL_SECONDS_MAX)
            if not events:
                # `run` then says that what it ran had not ended.
                self._loop.stop()
        return sorted(events, key=lambda event: event[0].fd)

    def _end_if_over(self) -> None:
        if time.monotonic() > self._loop.over_at:
            self._loop.over_at = time.monotonic() + _GRACE_SECONDS
            raise TimeoutError(f"not over at {self._loop.time():.3f} virtual s; {self._loop.postgres}")

    def _heard(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for those who owe an answer; return what they say, nothing if nobody can say anything now."""
        turns, stalled_at = self._loop.postgres, time.monotonic() + STALL_SECONDS_MAX
        while True:
            is_owed = turns.is_waiting() or self._loop.awaits_threads
            if self._loop.has_work:
                # Right before a question left, something was to happen first.
                is_owed = False
            events = super().select(_PATIENCE_SECONDS if is_owed else 0)
            if events or not is_owed or time.monotonic() >= stalled_at:
                return events
            turns.look_for_blocked()


def run(main: Coroutine[Any, Any, T], *, real_seconds_max: float = math.inf) -> T:
    """Run in a virtual loop of its own, and close it.

    Raises RuntimeError if nothing could ever happen in it again, and TimeoutError, with what Postgres still owes, where
    it is not over after so many real seconds.
    """
    with types_known(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        loop.over_at = time.monotonic() + real_seconds_max
        try:
            return runner.run(main)
        finally:
            runner.run(loop.postgres.hang_up())
