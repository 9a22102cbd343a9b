"""What a person says of a command while it is under way: a release counts for what was refused before it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
import pytest

from eventstore.facts.operators import (
    OPERATIONS_STREAM,
    CommandParked,
    CommandReleased,
    RecordSkipped,
    StorePaused,
    StoreResumed,
)
from ops.sandbox.jurnal import FaultPlan
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.identity import command_id
from projections.jurnal_commands.queue import Move, SendQueue
from tests.integration.dispatcher import asking
from tests.integration.dispatcher.asking import OTHER, RETURN, SALE, Asked, booked, posts
from tests.integration.dispatcher.stand import COMPANY, Process, Stand
from tests.integration.dispatcher.test_dispatcher_crashes import Died, DyingQueue, PausedCalls
from tests.integration.dispatcher.test_dispatcher_credits import use_credit_by_hand
from tests.ledger import STORE
from tests.story import own

APPLY = msgspec.structs.replace(asking.APPLY, amount=Decimal(4_000))
APPLY_ID = command_id(STORE, APPLY)
PATH = "customer_apply_credit_memo"
INVOICE = f"inv-{STORE}.order-1"
PAUSED = StorePaused(actor="owner", reason="stock count")
MEANWHILE = {
    "parked": (CommandParked(command_id=INVOICE, actor="owner", reason="stop"), f"command-{INVOICE}"),
    "skipped": (RecordSkipped(record_id="sale-order-1", actor="owner", reason="by hand"), "order-order-1"),
    "paused": (PAUSED, OPERATIONS_STREAM),
}


class CutOffQueue(SendQueue):
    """A queue that loses its connection once, when a refusal is appended and the send not yet let go."""

    cut_off = False

    async def move(self, moves: Sequence[Move], *, now: datetime) -> int:
        """Lose the connection before a send is done."""
        if moves[0].state == "done" and not self.cut_off:
            self.cut_off = True
            raise ConnectionResetError
        return await super().move(moves, now=now)


async def say(stand: Stand, word: msgspec.Struct, stream: str) -> int:
    """Let a person say something, unfolded; return its position."""
    name = f"{type(word).__name__}:{len(await stand.facts())}"
    await stand.appender.append(STORE, [own(word, stream, name)])
    return (await stand.facts())[-1].position


async def park_and_release(stand: Stand, command: str) -> int:
    """Let a person park a command and let it go again, unfolded; return where that stands."""
    await say(stand, CommandParked(command_id=command, actor="owner", reason="let me look"), f"command-{command}")
    return await say(stand, CommandReleased(command_id=command, actor="owner", reason="go"), f"command-{command}")


async def fold_to(stand: Stand, position: int) -> None:
    """Fold the commands up to `position`, and no further."""
    projection = CATALOGUE["jurnal_commands"]
    while (await stand.runner.step(STORE, projection, epoch=1, facts_max=1)).position < position:
        pass


async def lost_application(stand: Stand) -> tuple[Asked, Process]:
    """Use a credit, lose the answer, and let somebody use the same credit: whether ours is there cannot be told."""
    asked = Asked(stand)
    first = await booked(asked, SALE, RETURN, OTHER)
    await first.leases.release(COMPANY.company_id)
    # Whoever takes the lease anew waits for the fold first: this one has it all the time.
    process = stand.process(lease_seconds=3_600)
    await asked.ask(APPLY)
    stand.fail(FaultPlan(close_after_commit=True), path=PATH)
    await stand.step(process)
    await use_credit_by_hand(stand, 1_000)
    return asked, process


async def unclear(process: Process, stand: Stand, *, steps: int = 4) -> None:
    """Step past the fence without folding anything."""
    await stand.advance(600)
    for _ in range(steps):
        await process.step()
        await stand.advance(1)


async def test_a_release_that_came_before_an_unclear_look_up_does_not_answer_for_it(stand: Stand) -> None:
    """Parked and released while unknown, refused as unclear, the refusal not folded yet: nothing is sent again."""
    asked, process = await lost_application(stand)
    await park_and_release(stand, APPLY_ID)
    await stand.fold()
    await unclear(process, stand)
    await stand.until_quiet(process)
    assert posts(stand, PATH) == 1
    assert len(await stand.told("CommandRefused")) == 1
    assert (await asked.state_of(APPLY))[0] == "refused"


async def test_a_release_that_is_folded_later_than_the_refusal_is_told_does_not_answer_for_it(stand: Stand) -> None:
    """The order in the ledger counts, not when the fold or the dispatcher came to know of it."""
    asked, process = await lost_application(stand)
    released_at = await park_and_release(stand, APPLY_ID)
    await unclear(process, stand)
    await fold_to(stand, released_at)
    assert (await asked.state_of(APPLY))[0] == "due"
    await unclear(process, stand)
    await stand.until_quiet(process)
    assert posts(stand, PATH) == 1
    assert (await asked.state_of(APPLY))[0] == "refused"


async def test_a_crash_between_a_refusal_and_its_send_makes_no_release_answer_for_it(stand: Stand) -> None:
    """The refusal is in the ledger, the send still open: it is told once, and nothing is sent again."""
    asked, process = await lost_application(stand)
    await park_and_release(stand, APPLY_ID)
    await stand.fold()
    await stand.advance(600)
    await process.leases.release(COMPANY.company_id)
    dying = stand.process(queue=DyingQueue(stand.pool))
    with pytest.raises(Died):
        await dying.step()
    survivor = stand.process()
    await unclear(survivor, stand)
    await stand.until_quiet(survivor)
    assert posts(stand, PATH) == 1
    assert len(await stand.told("CommandRefused")) == 1
    assert (await asked.state_of(APPLY))[0] == "refused"


async def test_a_release_behind_an_unclear_look_up_answers_for_it_however_late_it_is_folded(stand: Stand) -> None:
    """Refused, then released, then folded: the person looked, and it is sent once more."""
    asked, process = await lost_application(stand)
    await unclear(process, stand)
    await say(stand, CommandReleased(command_id=APPLY_ID, actor="owner", reason="gone"), f"command-{APPLY_ID}")
    await stand.fold()
    await stand.until_quiet(process)
    assert posts(stand, PATH) == 2
    assert await asked.state_of(APPLY) == ("accepted", "")


async def without_its_product(stand: Stand) -> None:
    """Ask for an invoice of what Jurnal does not have: it is refused before anything is sent."""
    await stand.order()
    await stand.migrator.execute(
        "UPDATE command SET body = convert_to(replace(convert_from(body, 'utf8'), 'LATTE', 'NOPE'), 'utf8')"
    )


async def test_what_is_refused_released_and_refused_within_a_second_is_refused_twice(stand: Stand) -> None:
    """Without another attempt and at the same time: the second refusal is a fact of its own, and shows."""
    await without_its_product(stand)
    process = stand.process()
    for refusals in (1, 2, 3):
        await stand.until_quiet(process, seconds_max=0)
        assert len(await stand.told("CommandRefused")) == refusals
        assert await stand.statuses() == {"sale-order-1": "Failed"}
        await say(stand, CommandReleased(command_id=INVOICE, actor="owner", reason="mended"), f"command-{INVOICE}")
        await stand.fold()
    assert len({fact.observed_at for fact in await stand.facts("CommandRefused")}) == 1


async def test_a_refusal_that_is_repeated_after_a_crash_is_one_fact(stand: Stand) -> None:
    """Appended, the send not let go, not folded: tried again later it is the same refusal, and a release frees it."""
    await without_its_product(stand)
    process = stand.process(queue=CutOffQueue(stand.pool))
    with pytest.raises(ConnectionResetError):
        await process.step()
    # What was withheld is looked up when a call's deadline is over, under the same lease, and goes its way again.
    did = [(await process.step()).did]
    while did[-1] != "refused":
        await stand.advance(5)
        did.append((await process.step()).did)
    assert did[-2:] == ["probed", "refused"]
    assert set(did[:-2]) == {"nothing"}
    assert len(await stand.told("CommandRefused")) == 1
    await stand.fold()
    assert await stand.statuses() == {"sale-order-1": "Failed"}
    await say(stand, CommandReleased(command_id=INVOICE, actor="owner", reason="mended"), f"command-{INVOICE}")
    await stand.fold()
    await stand.until_quiet(process)
    assert len(await stand.told("CommandRefused")) == 2
    assert await stand.statuses() == {"sale-order-1": "Failed"}


async def test_a_release_of_a_refusal_whose_send_was_not_let_go_answers_for_it(stand: Stand) -> None:
    """Refused, cut off, released: the look-up that follows repeats the refusal, which stands before the release."""
    asked, process = await lost_application(stand)
    cut_off = stand.process(queue=CutOffQueue(stand.pool))
    await process.leases.release(COMPANY.company_id)
    await stand.advance(600)
    with pytest.raises(ConnectionResetError):
        await cut_off.step()
    await say(stand, CommandReleased(command_id=APPLY_ID, actor="owner", reason="gone"), f"command-{APPLY_ID}")
    await stand.fold()
    await stand.until_quiet(cut_off)
    assert posts(stand, PATH) == 2
    assert len(await stand.told("CommandRefused")) == 1
    assert await asked.state_of(APPLY) == ("accepted", "")


@pytest.mark.parametrize("what", MEANWHILE)
async def test_what_is_parked_skipped_or_paused_while_it_is_prepared_is_not_sent(stand: Stand, what: str) -> None:
    """It was due when it was taken and ready to go when somebody stopped it."""
    await stand.order()
    calls = PausedCalls(stand)
    process = stand.process(calls=calls)
    sending = asyncio.create_task(process.step())
    await asyncio.wait_for(calls.reached.wait(), 10)
    await say(stand, *MEANWHILE[what])
    await stand.fold()
    calls.go_on.set()
    assert (await sending).did == "not_ours"
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 0
    assert set((await stand.sends()).values()) == {"done" if what == "skipped" else "due"}


async def test_a_pause_holds_from_its_answer_on_although_it_is_not_folded(stand: Stand) -> None:
    """No projection's lag sends for a store that is paused, before or while something is prepared."""
    await stand.order(1)
    calls = PausedCalls(stand)
    process = stand.process(calls=calls)
    sending = asyncio.create_task(process.step())
    await asyncio.wait_for(calls.reached.wait(), 10)
    await say(stand, PAUSED, OPERATIONS_STREAM)
    calls.go_on.set()
    assert (await sending).did == "not_ours"
    assert (await process.step()).did == "nothing"
    await say(stand, StoreResumed(actor="owner", reason="counted"), OPERATIONS_STREAM)
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 1


async def test_a_pause_that_only_the_setting_tells_of_holds(stand: Stand) -> None:
    """Its fact is in the archive: what the fold made of it counts."""
    await stand.order(1)
    body = msgspec.json.encode(PAUSED)
    await stand.migrator.execute("INSERT INTO store_setting VALUES ($1, 'Sending', '', $2, 1)", STORE, body)
    process = stand.process()
    assert set(await stand.until_quiet(process)) == {"nothing"}
    await stand.migrator.execute("DELETE FROM store_setting WHERE name = 'Sending'")
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 1


async def test_nothing_is_sent_before_the_settings_are_folded_as_far_as_the_commands(stand: Stand) -> None:
    """A settings table that is folded anew knows of no pause yet."""
    await stand.order(1)
    await stand.migrator.execute("DELETE FROM projection_cursor WHERE projection = 'store_settings'")
    process = stand.process()
    assert (await process.step()).did == "nothing"
    await stand.fold()
    assert (await process.step()).did == "sent"
