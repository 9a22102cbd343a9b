"""Steps that run side by side: one a subject and so many at once, so that what is slow holds up nobody else."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, Generic, Self, TypeVar

import msgspec

from eventstore.clock import Clock

S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")


class _Running(msgspec.Struct, frozen=True):
    task: asyncio.Task[None]
    began_at: datetime


class Abreast(Generic[S]):
    """Runs steps as tasks; leaving its block waits for those that run. A step must not raise."""

    def __init__(self, clock: Clock, *, steps_max: int) -> None:
        self._clock = clock
        self._steps_max = steps_max
        self._running: dict[S, _Running] = {}
        self._began: dict[S, int] = {}

    def start(self, subjects: Iterable[S], step: Callable[[S], Awaitable[None]]) -> bool:
        """Begin a step of each subject that is in none, while there is room; who had one longest ago comes first.

        True if one was begun.
        """
        waiting = [subject for subject in subjects if subject not in self._running]
        waiting.sort(key=lambda subject: self._began.get(subject, 0))
        begun = waiting[: max(0, self._steps_max - len(self._running))]
        for subject in begun:
            self._began[subject] = max(self._began.values(), default=0) + 1
            task = asyncio.create_task(self._run(subject, step))
            self._running[subject] = _Running(task, self._clock.now())
        return bool(begun)

    def runs(self, subject: S) -> bool:
        """Tell whether a step of the subject runs."""
        return subject in self._running

    async def over(self, subject: S, seconds_max: float) -> None:
        """Wait until the subject's step is over, or so long."""
        if subject in self._running:
            await asyncio.wait([self._running[subject].task], timeout=seconds_max)

    async def _run(self, subject: S, step: Callable[[S], Awaitable[None]]) -> None:
        try:
            await step(subject)
        finally:
            del self._running[subject]

    def oldest(self) -> datetime | None:
        """Return when the step that runs longest began."""
        return min((running.began_at for running in self._running.values()), default=None)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, failed: object, *_more: object) -> None:
        """Wait for the steps that run; whoever leaves because something failed cancels them."""
        tasks = [running.task for running in self._running.values()]
        if failed is not None:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def together(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Return both results; where one fails, the other is over before that is raised."""
    tasks = asyncio.create_task(first), asyncio.create_task(second)
    try:
        return await tasks[0], await tasks[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
