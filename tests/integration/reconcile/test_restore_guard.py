"""From when on the restore guard looks, and what makes it look once more."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from eventstore.facts.reconciliation import DocumentFoundUnknown
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated, SalesRulesSet
from eventstore.store import open_ledger
from ops.sandbox.jurnal import FaultPlan
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.queue import SendQueue
from projections.store_settings.queries import read_pause
from service.breaker import BreakerLimits, Breakers
from service.reconciliation_ledger import FREEZER, ReconciliationLedger
from service.restore_guard import RestoreGuard
from tests.integration.dispatcher.stand import COMPANY, Stand, open_stand
from tests.integration.reconcile.comparing import invoice_fields
from tests.ledger import NOON, STORE
from tests.story import CONNECTION, own

OTHER = "teh-nusantara"
STEPS_MAX = 30
_SENT_LATER = """
    INSERT INTO send (store_id, command_id, company_id, kind, state, attempt, due_at, signed_at, deadline_at,
                      absent_from, request_digest)
    SELECT $1, command_id, company_id, kind, state, attempt, due_at, signed_at + interval '1 hour', deadline_at,
           absent_from, request_digest
    FROM send WHERE state = 'done'
"""


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a store that is not live yet."""
    async with open_stand(database_url) as opened:
        await opened.connect(live=False)
        yield opened


async def go_live(stand: Stand, store_id: str, after_seconds: float) -> None:
    """Let a store be live so long after noon."""
    at = NOON + timedelta(seconds=after_seconds)
    facts = [own(LiveModeActivated(actor="owner", activated_at=at), SETTINGS_STREAM, "live-mode")]
    if store_id != STORE:
        await open_ledger(stand.pool, store_id, recorded_at=NOON)
        facts.insert(0, own(CONNECTION, SETTINGS_STREAM, "settings:1"))
    await stand.appender.append(store_id, facts)
    for projection in CATALOGUE.values():
        while (await stand.runner.step(store_id, projection, epoch=1, facts_max=1_000)).facts:
            pass


async def looked(stand: Stand, guard: RestoreGuard, *stores: str) -> None:
    """Let the guard look to its end."""
    for _ in range(STEPS_MAX):
        if await guard.step(COMPANY, stores, 1, stand.clock.now()) is True:
            await stand.fold()
            return
    raise AssertionError("it looks for ever")


def guard_of(stand: Stand, ledger: ReconciliationLedger | None = None) -> RestoreGuard:
    """Return a guard that has not looked."""
    ledger = ledger or ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    return RestoreGuard(stand.pool, SendQueue(stand.pool), stand.calls(), ledger)


async def is_frozen(stand: Stand) -> bool:
    """Tell whether the store was frozen."""
    pause = await read_pause(stand.pool, STORE)
    return pause is not None and pause.fact.actor == FREEZER


@pytest.mark.parametrize(("after_seconds", "is_seen"), [(0, True), (200, True), (400, False)])
async def test_before_any_attempt_it_looks_from_live_mode_on_by_clocks_that_may_differ(
    stand: Stand, after_seconds: int, is_seen: bool
) -> None:
    """Jurnal tells when a document was made by its own clock, which may be 300 s behind the one of Live Mode."""
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=f"inv-{STORE}.order-1"))
    await go_live(stand, STORE, after_seconds)
    await stand.advance(after_seconds)
    await stand.order(1)
    await looked(stand, guard_of(stand), STORE)
    assert await is_frozen(stand) == is_seen


async def test_of_stores_of_one_company_it_looks_from_the_first_live_mode_on(stand: Stand) -> None:
    """What was lost of the one is older than the other is live."""
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=f"inv-{STORE}.order-1"))
    await go_live(stand, STORE, 0)
    await go_live(stand, OTHER, 4_000)
    await stand.advance(4_000)
    await stand.order(1)
    await looked(stand, guard_of(stand), STORE, OTHER)
    assert await is_frozen(stand)


@pytest.mark.parametrize(("after_seconds", "is_seen"), [(200, True), (400, False)])
async def test_it_looks_from_the_last_attempt_on_by_clocks_that_may_differ(
    stand: Stand, after_seconds: int, is_seen: bool
) -> None:
    """A company makes one call at a time: what is older than its last attempt was made by one that is known."""
    await go_live(stand, STORE, 0)
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=f"inv-{STORE}.order-2"))
    await stand.advance(after_seconds)
    await stand.order(1)
    await stand.until_quiet(stand.process())
    await stand.order(2)
    await looked(stand, guard_of(stand), STORE)
    assert await is_frozen(stand) == is_seen


async def test_of_stores_of_one_company_it_looks_from_the_last_attempt_of_all_on(stand: Stand) -> None:
    """What lies between the last attempts of two stores was made while both were known."""
    await go_live(stand, STORE, 0)
    await go_live(stand, OTHER, 0)
    await stand.order(1)
    await stand.until_quiet(stand.process())
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=f"inv-{STORE}.order-2"))
    # As if the other store's last attempt had been an hour later.
    await stand.migrator.execute(_SENT_LATER, OTHER)
    await stand.order(2)
    await looked(stand, guard_of(stand), STORE, OTHER)
    assert not await is_frozen(stand)


async def test_it_concludes_nothing_before_all_is_folded(stand: Stand) -> None:
    """A document that the ledger knows would look lost: it waits, and makes no call."""
    await go_live(stand, STORE, 0)
    rules = own(SalesRulesSet(sales_return_account="Sales Return"), SETTINGS_STREAM, "rules")
    await stand.appender.append(STORE, [rules])
    stand.sandbox.calls.clear()
    guard = guard_of(stand)
    told = await guard.step(COMPANY, (STORE,), 1, stand.clock.now())
    assert isinstance(told, datetime)
    assert not stand.sandbox.calls
    await stand.fold()
    await looked(stand, guard, STORE)


async def test_what_was_found_before_is_not_told_again_beside_what_is_new(stand: Stand) -> None:
    """A person has looked at it: the second freeze is about the second document."""
    await go_live(stand, STORE, 0)
    for number in (1, 2):
        key = f"inv-{STORE}.order-{number}"
        await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=key))
        await stand.order(number)
        await looked(stand, guard_of(stand), STORE)
    assert [told["documents"] for told in await stand.told("SendingFrozen")] == [1, 1]


async def test_told_to_forget_while_it_concludes_it_looks_once_more(stand: Stand) -> None:
    """The database lost what it had acknowledged just then: what was read before says nothing."""
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=f"inv-{STORE}.order-1"))
    await go_live(stand, STORE, 0)
    await stand.order(1)
    guards: list[RestoreGuard] = []

    class Forgetting(ReconciliationLedger):
        async def freeze(self, store_id: str, lost: Sequence[DocumentFoundUnknown], since: datetime) -> bool:
            is_new = await super().freeze(store_id, lost, since)
            guards.pop().forget()
            return is_new

    guard = guard_of(stand, Forgetting(stand.pool, stand.appender, stand.clock))
    guards.append(guard)
    while guards:
        assert await guard.step(COMPANY, (STORE,), 1, stand.clock.now()) is False
    await stand.fold()
    assert await guard.step(COMPANY, (STORE,), 1, stand.clock.now()) is False


async def test_a_list_that_fails_is_waited_for_five_minutes_at_most_and_the_next_one_anew(stand: Stand) -> None:
    """Each time twice as long, so that no call is wasted on it, and the store is not held for hours."""
    await go_live(stand, STORE, 0)
    breakers = Breakers(stand.pool, uuid4(), BreakerLimits(failures=100))
    calls = stand.calls(breakers=breakers)
    ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    guard = RestoreGuard(stand.pool, SendQueue(stand.pool), calls, ledger)
    waits: list[float] = []
    stand.fail(FaultPlan(status_before_commit=503), method="GET", times=8)
    while (told := await guard.step(COMPANY, (STORE,), 1, stand.clock.now())) is not True:
        if told is False and len(waits) == 8:
            # The first list is read: let the second fail.
            stand.fail(FaultPlan(status_before_commit=503), method="GET")
        if told is not False:
            waits.append((told - stand.clock.now()).total_seconds())
            await stand.advance(waits[-1])
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 5]
