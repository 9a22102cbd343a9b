"""What stops and dies together inside one virtual loop, as an operating system's process does."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from itertools import count
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
_ROUNDS_MAX = 200
_NUMBERS = count()


class Severable(Protocol):
    """A connection to the outside."""

    def sever(self) -> None:
        """Let nothing come or go any more."""


class Process:
    """Tasks, timers and connections of one process. `questions` counts what it has asked of databases.

    `on_question` is called with that count right before a question leaves, and may stop or kill the process.
    """

    def __init__(self, name: str, on_question: Callable[[int], None] | None = None) -> None:
        self.name = name
        self.is_stopped = False
        self.is_killed = False
        self.questions = 0
        self.on_question = on_question
        self.held: deque[asyncio.Handle] = deque()
        # Both in the order of their making, so that they end in the same order in every run.
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.connections: dict[Severable, None] = {}

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine, and all that comes of it, in this process."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def ended(self, task: "asyncio.Task[Any]") -> None:
        """Forget a task; nobody asks what became of those of the killed."""
        self.tasks.pop(task, None)
        if self.is_killed and not task.cancelled():
            task.exception()

    def asks(self) -> None:
        """Count a question to a database."""
        self.questions += 1
        if self.on_question is not None:
            self.on_question(self.questions)

    def stop(self) -> None:
        """Do nothing any more until `go_on`; what comes in waits, and so do timers."""
        self.is_stopped = True

    def go_on(self) -> None:
        """Do all that has come in meanwhile, in its order, one thing after the other."""
        self.is_stopped = False
        asyncio.get_running_loop().call_soon(self._catch_up, context=Context())

    def _catch_up(self) -> None:
        if self.is_stopped or not self.held:
            return
        kept = self.held.popleft()
        if not kept.cancelled():
            kept._run()  # noqa: SLF001 - what the loop would have done with it
        # What this one has woken comes before the next, as between two looks at a socket.
        asyncio.get_running_loop().call_soon(self._catch_up, context=Context())

    def cut(self) -> None:
        """Throw away its connections, for good: whatever its tasks still do does not get outside."""
        self.is_killed = True
        for connection in list(self.connections):
            connection.sever()

    async def kill(self) -> None:
        """Throw away its connections, then its tasks."""
        self.cut()
        self.go_on()
        for _ in range(_ROUNDS_MAX):
            if not self.tasks:
                return
            for task in list(self.tasks):
                task.cancel()
            await asyncio.sleep(0)
        raise AssertionError(f"tasks of {self.name} do not end: {list(self.tasks)}")


class Callback(asyncio.Handle):
    """A callback of a process; while that is stopped it is kept for later."""

    __slots__ = ("process",)

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], loop: asyncio.AbstractEventLoop, context: Context
    ) -> None:
        super().__init__(callback, args, loop, context)
        self.process = context.get(PROCESS)

    def _run(self) -> None:
        if self.process is not None and self.process.is_stopped:
            self.process.held.append(self)
        else:
            super()._run()


class Timer(asyncio.TimerHandle):
    """The same, of a time; those of one time come in the order of their making, as asyncio's own heap does not."""

    __slots__ = ("_number", "process")
    # Of asyncio's own, which typeshed says nothing of.
    _scheduled: bool
    _when: float

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context,
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self.process = context.get(PROCESS)
        self._number = next(_NUMBERS)

    def __lt__(self, other: asyncio.TimerHandle) -> bool:
        if not isinstance(other, Timer):
            return NotImplemented
        return self._when < other._when or (self._when == other._when and self._number < other._number)

    def _run(self) -> None:
        if self.process is not None and self.process.is_stopped:
            self.process.held.append(self)
        else:
            super()._run()


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
