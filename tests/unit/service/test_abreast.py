"""Two questions at once: both answers, or the failure of one with the other over."""

import asyncio

import pytest

from service.abreast import together


async def test_two_questions_are_asked_at_once() -> None:
    """Each waits until the other has begun: one after the other they would never end."""
    begun = asyncio.Event(), asyncio.Event()

    async def ask(mine: int) -> int:
        begun[mine].set()
        await begun[1 - mine].wait()
        return mine

    async with asyncio.timeout(5):
        assert await together(ask(0), ask(1)) == (0, 1)


@pytest.mark.parametrize("place", [0, 1])
async def test_where_one_fails_its_own_error_is_raised_and_the_other_is_over(place: int) -> None:
    """No question goes on behind the back of whoever asked, and a lost database is told as what it is."""
    over = asyncio.Event()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ConnectionResetError

    async def end() -> None:
        try:
            if place == 0:
                await asyncio.Event().wait()
        finally:
            over.set()

    asked = (fail(), end()) if place == 0 else (end(), fail())
    with pytest.raises(ConnectionResetError):
        await together(*asked)
    assert over.is_set()
