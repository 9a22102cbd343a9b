"""Every change of a command's or a send's state is one that the README of the life cycle draws."""

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files

import pytest

from eventstore.facts.operators import CommandParked, CommandReleased, RecordSkipped
from ops.sandbox.jurnal import FaultPlan
from service.jurnal.exchange import NoAnswer, Response, SignedRequest
from service.jurnal_calls import JurnalCalls, Place
from tests.integration.dispatcher.stand import COMPANY, Stand
from tests.integration.dispatcher.test_dispatcher_words import INVOICE, say

_NOTED = """
CREATE TABLE noted (place text, before text, after text);
GRANT INSERT ON noted TO PUBLIC;
CREATE FUNCTION note_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted VALUES (TG_TABLE_NAME, CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END, NEW.state);
    RETURN NEW;
END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON command FOR EACH ROW EXECUTE FUNCTION note_state();
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON send FOR EACH ROW EXECUTE FUNCTION note_state();
"""
_CHANGES = "SELECT DISTINCT place, before, after FROM noted WHERE before IS DISTINCT FROM after"
_COMMAND = f"command-{INVOICE}"
_SKIPPED = RecordSkipped(record_id="sale-order-1", actor="owner", reason="by hand")
_PARKED = CommandParked(command_id=INVOICE, actor="owner", reason="stop")
_RELEASED = CommandReleased(command_id=INVOICE, actor="owner", reason="go")
_PUT_OFF = FaultPlan(status_before_commit=429)
_REFUSED = FaultPlan(status_before_commit=422)
_FOUND = """
INSERT INTO difference
SELECT store_id, 'd1', 'unknown', 'sales_invoices', command_id, 7, 0, '', '2026-11-20', NULL, NULL, '', '', 1000, now(),
       0, 0
FROM send
"""
Change = tuple[str, str | None, str]


def drawn() -> set[Change]:
    """Return the arrows of the drawing between states of one table; from None where a row begins."""
    readme = files("projections.jurnal_commands").joinpath("README.md").read_text(encoding="utf-8")
    arrows = re.findall(r"(?:\[\*\]|\b(command|send)_(\w+)) --> (command|send)_(\w+)", readme)
    return {(place, before or None, after) for _, before, place, after in arrows}


class _Meanwhile(JurnalCalls):
    """Lets something be said when Jurnal has answered and nothing is written of it yet."""

    def __init__(self, stand: Stand, saying: Callable[[], Awaitable[object]]) -> None:
        self.__dict__.update(stand.calls().__dict__)
        self._saying = saying

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Send, then let it be said."""
        answer = await super().send(request, place)
        if request.method != "GET":
            await self._saying()
        return answer


async def _parked_on_its_way(stand: Stand, plan: FaultPlan | None) -> None:
    async def park() -> None:
        await say(stand, _PARKED, _COMMAND)
        await stand.fold()

    if plan is not None:
        stand.fail(plan)
    await stand.until_quiet(stand.process(calls=_Meanwhile(stand, park)))


async def _accepted_though_parked(stand: Stand) -> None:
    await _parked_on_its_way(stand, None)
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def _refused_though_parked(stand: Stand) -> None:
    await _parked_on_its_way(stand, _REFUSED)
    assert set((await stand.commands()).values()) == {"refused"}


async def _skipped_while_it_waits(stand: Stand) -> None:
    stand.fail(_PUT_OFF)
    process = stand.process()
    await stand.step(process)
    await say(stand, _SKIPPED, "order-order-1")
    await stand.fold()
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 0


async def _skipped_while_it_is_unknown(stand: Stand) -> None:
    stand.fail(FaultPlan(close_after_commit=True))
    process = stand.process()
    await stand.step(process)
    await say(stand, _SKIPPED, "order-order-1")
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def _refused_and_let_go(stand: Stand) -> None:
    stand.fail(_REFUSED)
    process = stand.process()
    await stand.until_quiet(process)
    await say(stand, _RELEASED, _COMMAND)
    await stand.fold()
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def _found_in_jurnal_before_it_goes(stand: Stand) -> None:
    await stand.migrator.execute(_FOUND)
    await stand.until_quiet(stand.process())


async def _found_in_jurnal_while_it_waits(stand: Stand) -> None:
    stand.fail(_PUT_OFF)
    process = stand.process()
    await stand.step(process)
    await process.leases.release(COMPANY.company_id)
    await stand.migrator.execute(_FOUND)
    await stand.until_quiet(stand.process())


@pytest.mark.parametrize(
    ("play", "change"),
    [
        (_accepted_though_parked, ("command", "parked", "accepted")),
        (_refused_though_parked, ("command", "parked", "refused")),
        (_skipped_while_it_waits, ("send", "waiting", "done")),
        (_skipped_while_it_is_unknown, ("command", "skipped", "accepted")),
        (_refused_and_let_go, ("send", "done", "unknown")),
        (_found_in_jurnal_before_it_goes, ("send", "due", "unknown")),
        (_found_in_jurnal_while_it_waits, ("send", "waiting", "unknown")),
    ],
    ids=lambda each: each.__name__.removeprefix("_") if callable(each) else "",
)
async def test_every_change_of_state_that_happens_is_drawn(
    stand: Stand, play: Callable[[Stand], Awaitable[None]], change: Change
) -> None:
    """The tables tell by themselves what became of what; each case makes one rare change at least."""
    await stand.migrator.execute(_NOTED)
    await stand.order()
    await play(stand)
    happened = {(row["place"], row["before"], row["after"]) for row in await stand.migrator.fetch(_CHANGES)}
    assert change in happened
    assert happened - drawn() == set()
