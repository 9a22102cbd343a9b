"""A paused store: nothing new goes to Jurnal, what may have gone is looked up, and all goes on afterwards."""

from eventstore.facts.operators import OPERATIONS_STREAM, StorePaused, StoreResumed
from ops.sandbox.jurnal import FaultPlan
from tests.integration.dispatcher.stand import Stand
from tests.ledger import STORE
from tests.story import own

PAUSED = StorePaused(actor="owner", reason="stock count")
RESUMED = StoreResumed(actor="owner", reason="counted")


async def told(stand: Stand, word: StorePaused | StoreResumed) -> None:
    """Let a person pause or resume the store."""
    facts = await stand.facts(type(word).__name__)
    await stand.appender.append(STORE, [own(word, OPERATIONS_STREAM, f"{type(word).__name__}:{len(facts)}")])
    await stand.fold()


async def test_a_paused_store_sends_nothing_until_it_is_resumed(stand: Stand) -> None:
    """What comes in meanwhile is folded and waits; resumed, it goes, each document once."""
    await told(stand, PAUSED)
    await stand.order()
    process = stand.process()
    assert set(await stand.until_quiet(process)) == {"nothing"}
    assert (stand.documents("sales_invoice"), await stand.statuses()) == (0, {"sale-order-1": "Pending"})
    await told(stand, RESUMED)
    await stand.until_quiet(process)
    assert (stand.documents("sales_invoice"), await stand.statuses()) == (1, {"sale-order-1": "Success"})


async def test_what_was_sent_before_a_pause_is_looked_up_all_the_same(stand: Stand) -> None:
    """An unanswered send may be booked: the look-up tells, and what follows it still waits."""
    await stand.order(1)
    stand.fail(FaultPlan(close_after_commit=True))
    process = stand.process()
    await stand.step(process)
    await stand.order(2)
    await told(stand, PAUSED)
    did = await stand.until_quiet(process)
    assert "probed" in did
    assert "sent" not in did
    assert await stand.statuses() == {"sale-order-1": "Success", "sale-order-2": "Pending"}
