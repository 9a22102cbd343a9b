"""Where calls are short, what waits for others to go with it is held in the list, and says why and until when."""

from datetime import timedelta

from eventstore.facts.operators import OPERATIONS_STREAM, StorePaused
from projections.sync_status.queries import ListedRecord, Wanted, count_held, count_records, read_page
from service.operations import NothingToDo, Operations, Word
from service.sync_wording import wording
from tests.integration.dispatcher.stand import COMPANY, Process, Stand
from tests.integration.dispatcher.test_dispatcher_batch_edges import ShortCalls
from tests.integration.dispatcher.test_dispatcher_batches import LATER, warmed
from tests.ledger import STORE
from tests.story import own, paid

SAVES = "Saving quota: few calls to Jurnal are left, so it goes together with others, at {} at the latest"


async def short(stand: Stand) -> Process:
    """Return a process for which calls are short."""
    warm = await warmed(stand)
    await warm.dispatcher.release(COMPANY)
    process = stand.process(calls=ShortCalls(stand))
    await process.directory.resolve(STORE, COMPANY, ())
    return process


async def shown(stand: Stand, record_id: str) -> ListedRecord:
    """Return a line; filters and counts must tell the same of it."""
    record = (await stand.records())[record_id]
    wanted = Wanted(text=record_id)
    assert await count_records(stand.pool, STORE, wanted) == {record.status: 1}
    for status in ("Held", "Pending"):
        page = await read_page(stand.pool, STORE, Wanted(text=record_id, statuses=(status,)), rows_max=9)
        assert bool(page.records) == (record.status == status)
    return record


async def test_the_list_tells_that_calls_are_saved_and_until_when(stand: Stand) -> None:
    """In the store's time; a retry says the same; once the call is made nothing is held any more."""
    process = await short(stand)
    await stand.order(1)
    latest = stand.clock.now() + timedelta(seconds=60, hours=7)
    assert (await shown(stand, "sale-order-1")).status == "Pending", "nobody knows yet that it must wait"
    assert (await stand.step(process)).outcome == "saving"
    await stand.order(2)
    for record_id in ("sale-order-1", "sale-order-2"):
        record = await shown(stand, record_id)
        said = wording(record, paused=None)
        assert record.status == "Held"
        assert said.reason == SAVES.format(f"{latest:%Y-%m-%d %H:%M:%S}")
        assert said.what_to_do == "Nothing: it goes by itself"
    operations = Operations(stand.pool, stand.reader, stand.appender, stand.clock)
    decided = await operations.retry(STORE, "sale-order-1", Word("owner", "now"))
    assert isinstance(decided, NothingToDo)
    assert "Saving quota" in decided.detail
    assert await count_held(stand.pool) == 0, "it is a command already"
    await stand.advance(60)
    assert (await shown(stand, "sale-order-1")).status == "Pending"
    assert (await stand.step(process)).rows == 2
    assert {(await shown(stand, f"sale-order-{number}")).status for number in (1, 2)} == {"Success"}


async def test_only_what_could_go_is_held_for_the_quota(stand: Stand) -> None:
    """A payment behind its sale waits for its turn; what Jurnal put off waits for its time."""
    process = await short(stand)
    await stand.order(1, transactions=[paid("t1", 5_000), paid("t2", 5_000, transaction_date=LATER)])
    assert (await stand.step(process)).outcome == "saving"
    assert (await shown(stand, "sale-order-1")).status == "Held"
    assert (await shown(stand, "payment-order-1-t2")).status == "Pending"
    await stand.migrator.execute(
        "UPDATE send SET state = 'waiting', due_at = due_at + interval '1 hour', reason = 'busy'"
    )
    record = await shown(stand, "sale-order-1")
    assert (record.status, record.reason) == ("Pending", "busy")


BREAKER = """
INSERT INTO company_breaker (company_id, state, epoch, failures, openings, until, reason)
VALUES ($1, 'open', 1, 5, 1, $2, 'down')
ON CONFLICT (company_id) DO UPDATE SET state = 'open', until = $2
"""


async def test_what_keeps_the_whole_store_waiting_is_said_instead(stand: Stand) -> None:
    """A Jurnal that does not answer, a limit that it told, a pause; and a neighbour's saving is nobody else's."""
    process = await short(stand)
    await stand.order(1)
    assert (await stand.step(process)).outcome == "saving"
    later = stand.clock.now() + timedelta(hours=1)
    ours, theirs = f"company:{COMPANY.company_id}", "company:another"
    causes: list[tuple[tuple[object, ...], tuple[object, ...]]] = [
        (
            (BREAKER, COMPANY.company_id, later),
            ("UPDATE company_breaker SET state = 'closed', until = NULL WHERE company_id = $1", COMPANY.company_id),
        ),
        (
            ("UPDATE quota_budget SET closed_until = $1, closed_scope = 'hour'", later),
            ("UPDATE quota_budget SET closed_until = NULL, closed_scope = NULL",),
        ),
        (
            ("UPDATE quota_budget SET budget = $1 WHERE budget = $2", theirs, ours),
            ("UPDATE quota_budget SET budget = $1 WHERE budget = $2", ours, theirs),
        ),
    ]
    for begins, ends in causes:
        await stand.migrator.execute(*begins)  # type: ignore[arg-type]
        assert (await shown(stand, "sale-order-1")).status == "Pending"
        await stand.migrator.execute(*ends)  # type: ignore[arg-type]
        assert (await shown(stand, "sale-order-1")).status == "Held"
    pause = own(StorePaused(actor="owner", reason="count"), OPERATIONS_STREAM, "operator:1")
    await stand.appender.append(STORE, [pause])
    await stand.fold()
    assert (await shown(stand, "sale-order-1")).status == "Pending"
