"""Changes and deletions that Jurnal does not allow, at any moment of any history: the books say what happened."""

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.event import NewFact
from eventstore.facts.answers import NOT_ALLOWED, Attempted, CommandRefused, Document
from eventstore.facts.settings import SETTINGS_STREAM
from projections.jurnal_commands.commands import DECODER
from projections.jurnal_commands.fold import StoredCommand
from tests.property.test_taken_back_properties import (
    History,
    ends_as_it_happened,
    first_report,
    histories,
    rules_of,
    tell,
)
from tests.sandbox_books import SandboxBooks
from tests.story import Story, own

_GUARDED = ("UpdateInvoice", "DeleteInvoice")
_ENDED = ("accepted", "skipped", "superseded")


@st.composite
def changed_histories(draw: st.DrawFn) -> History:
    """Return a history, in many cases of an order that was changed while nothing but its first payment was told."""
    history = draw(histories())
    if draw(st.integers(0, 3)) == 0:
        return history
    before = {sku: draw(st.integers(1, 4)) for sku in history.quantities}
    history = replace(history, before=before)
    first = min(history.total, history.total_of(before)) // draw(st.sampled_from([1, 1, 2]))
    rest = history.total - first
    payments = (first, rest) if rest and draw(st.booleans()) else (first,)
    return replace(history, payments=payments, backs=history.backs if sum(payments) == history.total else ())


class SentStory(Story):
    """A ledger whose commands are sent between its facts, one lane in its order; some Jurnal does not allow."""

    def __init__(self, data: st.DataObject) -> None:
        self.books = SandboxBooks()
        self.given_up: list[str] = []
        self._data = data
        self._is_answering = True
        super().__init__()
        self._is_answering = False

    def tell(self, new: NewFact) -> None:
        """Append and fold a fact; then send some of what waits, or nothing, or all."""
        super().tell(new)
        if self._is_answering:
            return
        self.send(self._data.draw(st.sampled_from([0, 0, 1, 2, 50])))

    def send(self, most: int) -> None:
        """Send at most so many commands, each once those before it are through."""
        self._is_answering = True
        for _ in range(most):
            first = next((row for row in self.lane if row.state not in _ENDED), None)
            if first is None or first.state != "due":
                break
            self._answer(first)
        self._is_answering = False

    def _answer(self, row: StoredCommand) -> None:
        accepted = {each.command_id for each in self.lane if each.state == "accepted"}
        assert accepted.issuperset(row.needs), f"{row.command_id} needs what does not go before it"
        if row.kind in _GUARDED and (
            row.command_id in self.given_up or self._data.draw(st.sampled_from([True, True, False]))
        ):
            assert row.command_id not in self.given_up, f"{row.command_id} is sent although it was given up"
            self.given_up.append(row.command_id)
            for _ in range(self._data.draw(st.integers(1, 2))):
                refused = CommandRefused(
                    attempted=Attempted(command_id=row.command_id, attempt=1),
                    reason="not let go",
                    fields=(NOT_ALLOWED,),
                )
                self.tell(own(refused, row.stream_id, f"answer:{len(self.facts) + 1}"))
            return
        self.books.book_one(row.command_id, DECODER.decode(row.body))
        self.accept(row.command_id, Document(resource="sales_invoices", jurnal_id=len(self.facts)))


@settings(max_examples=60, deadline=None)
@given(history=changed_histories(), data=st.data())
def test_whatever_jurnal_does_not_allow_the_books_are_those_of_what_happened(
    history: History, data: st.DataObject
) -> None:
    """Nothing is booked twice, lost, or left behind what was given up; what was given up is never sent again."""
    story = SentStory(data)
    rules: dict[str, Any] = {"same_day_void": data.draw(st.sampled_from(["delete", "return"]))}
    story.tell(own(msgspec.structs.replace(rules_of(history), **rules), SETTINGS_STREAM, "rules"))
    if data.draw(st.integers(0, 3)):
        story.order(**{key: value for key, value in first_report(history).items() if key != "order_id"})
    tell(history, data, story)
    story.send(1_000)
    assert {row.state for row in story.lane} <= {"accepted", "superseded"}, story.lane
    assert not {row.state for row in story.listed.values() if row.state in ("held", "failed")}, story.listed
    records = {row.record_id for row in story.lane if row.state == "accepted"}
    for record_id, row in story.listed.items():
        assert (row.state == "superseded") <= (record_id not in records), record_id
    ends_as_it_happened(history, story.books)
