"""What stops and dies together inside one virtual loop, as an operating system's process does."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
_ROUNDS_MAX = 200


class Severable(Protocol):
    """A connection to the outside."""

    def sever(self) -> None:
        """Let nothing come or go any more."""


class _Held:
    """A callback of a process; while that is stopped it is kept for later."""

    __slots__ = ("arguments", "callback", "handle", "process")

    def __init__(self, process: "Process", callback: Callable[..., object]) -> None:
        self.process = process
        self.callback = callback
        self.arguments: tuple[Any, ...] = ()
        self.handle: asyncio.Handle | None = None

    def __call__(self, *arguments: Any) -> None:
        if self.process.is_stopped:
            self.arguments = arguments
            self.process.held.append((self, copy_context()))
        else:
            self.callback(*arguments)


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
        self.held: deque[tuple[_Held, Context]] = deque()
        # Both in the order of their making, so that they end in the same order in every run.
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.connections: dict[Severable, None] = {}

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine, and all that comes of it, in this process."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def gate(self, callback: Callable[..., object]) -> _Held:
        """Return the callback as this process makes it: not while it is stopped."""
        return _Held(self, callback)

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
        kept, context = self.held.popleft()
        try:
            if kept.handle is None or not kept.handle.cancelled():
                context.run(kept.callback, *kept.arguments)
        finally:
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


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
