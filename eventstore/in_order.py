"""Work that runs several at a time and is taken in the order it was given."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def in_order(work: Iterable[Coroutine[Any, Any, T]], *, at_once: int) -> AsyncGenerator[T, None]:
    """Yield what each of `work` comes to, in its order, with `at_once` under way; an end or an error stops the rest.

    Close it (`contextlib.aclosing`) where its end is not reached.
    """
    waiting: deque[asyncio.Task[T]] = deque()
    remaining = iter(work)
    try:
        while True:
            while len(waiting) < at_once and (following := next(remaining, None)) is not None:
                waiting.append(asyncio.create_task(following))
            if not waiting:
                return
            # Left in the queue until it is done: whoever stops us meanwhile stops it, too.
            result = await waiting[0]
            waiting.popleft()
            yield result
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
