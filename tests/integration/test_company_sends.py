"""Which companies are sent for: those with something new at once, all now and then, and each in one step at most."""

import asyncio

import pytest

from eventstore.clock import ManualClock
from service.company_sends import CompanySends
from service.dispatched import Dispatched
from service.dispatcher import Dispatcher
from service.failing import Failing
from service.jurnal_calls import Company
from service.telemetry.metrics import Metrics
from tests.ledger import NOON, OTHER_STORE, STORE

SECONDS_MAX = 10


class Noting(Dispatcher):
    """Notes for whom it is stepped, and does `did` once `gate` is open."""

    def __init__(self) -> None:
        self.stepped: list[tuple[str, str | None]] = []
        self.did: list[Dispatched] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def step(self, company: Company, _stores: tuple[str, ...], folded: str | None = None) -> Dispatched:
        """Note it."""
        self.stepped.append((company.company_id, folded))
        await self.gate.wait()
        return self.did.pop() if self.did else Dispatched("nothing")


@pytest.fixture
def noting() -> Noting:
    """Give what is stepped."""
    return Noting()


async def companies() -> dict[str, tuple[str, ...]]:
    """Return two companies of a store each."""
    return {"kopi-company": (STORE,), "teh-company": (OTHER_STORE,)}


async def sends_of(noting: Noting) -> CompanySends:
    """Return what steps them, once both were looked at for the first time."""
    clock, metrics = ManualClock(NOON), Metrics("test")
    sends = CompanySends(noting, clock, metrics, Failing(clock, metrics), companies, look_seconds=60)
    await sends.step()
    await over(sends)
    assert noting.stepped == [("kopi-company", None), ("teh-company", None)]
    noting.stepped.clear()
    return sends


async def over(sends: CompanySends) -> None:
    """Wait until no step runs."""
    for company_id in await companies():
        await sends.abreast.over(company_id, SECONDS_MAX)


async def test_what_was_folded_of_a_store_wakes_its_company_alone(noting: Noting) -> None:
    """Its step knows which store it was; the other company is left alone."""
    sends = await sends_of(noting)
    await sends.folded(OTHER_STORE)
    await over(sends)
    assert noting.stepped == [("teh-company", OTHER_STORE)]
    assert not sends.woken.is_set()


async def test_who_did_something_is_stepped_again_and_nobody_else(noting: Noting) -> None:
    """There may be more to do for it."""
    sends = await sends_of(noting)
    noting.did.append(Dispatched("sent", "BookInvoice", "Accepted", rows=1, outcomes={"Accepted": 1}))
    await sends.folded(STORE)
    await over(sends)
    assert sends.woken.is_set()
    await sends.step()
    await over(sends)
    assert noting.stepped == [("kopi-company", STORE), ("kopi-company", None)]


async def test_what_is_folded_during_a_step_is_looked_at_after_it(noting: Noting) -> None:
    """The step may have looked too early; until it is over nobody is woken for it, and whoever folds goes on."""
    sends = await sends_of(noting)
    noting.gate.clear()
    await sends.folded(STORE)
    await sends.folded(STORE)
    assert not sends.woken.is_set()
    noting.gate.set()
    await over(sends)
    assert sends.woken.is_set()
    await sends.step()
    await over(sends)
    assert noting.stepped == [("kopi-company", STORE)] * 2


async def test_who_waits_for_a_place_is_left_alone_until_something_is_folded(noting: Noting) -> None:
    """A look at all passes it over."""
    sends = await sends_of(noting)
    noting.did.append(Dispatched("waited", outcome="quota", wait_until=NOON.replace(hour=9)))
    await sends.folded(STORE)
    await over(sends)
    await sends.step()
    await over(sends)
    assert noting.stepped == [("kopi-company", STORE), ("teh-company", None)]
    await sends.folded(STORE)
    await over(sends)
    assert noting.stepped[2:] == [("kopi-company", STORE)]
