"""Where Jurnal does not let an invoice be changed or deleted, others take the place of what was asked for."""

from datetime import date
from typing import Any

import msgspec
import pytest

from eventstore.facts.answers import IN_DOUBT, NOT_ALLOWED
from eventstore.facts.operators import CommandReleased
from eventstore.facts.settings import BooksClosed
from projections.clearing.unsettled import ClearingDayRow
from projections.jurnal_commands.commands import DECODER
from projections.jurnal_commands.fold import (
    CommandAdded,
    CommandSettled,
    CommandSuperseded,
    StoredCommand,
    _add,
    _settle,
    _supersede,
)
from tests.sandbox_books import SandboxBooks
from tests.story import Story, line, own, paid
from tests.unit.projections.shop_settings import seen_to, told
from tests.unit.projections.taken_back import (
    CASH,
    NEXT_DAY,
    RULES,
    given_back,
    in_words,
    polled,
    refund,
    sold,
    voided,
)
from tests.unit.projections.test_taken_back_planned_anew import accepted, of_kind

DELETED = msgspec.structs.replace(RULES, same_day_void="delete")
MORE = paid("t2", 10_000, transaction_date="2026-11-20T18:40:00")


def lattes(number: int, /, **fields: object) -> dict[str, Any]:
    """Return what is told of an order of so many lattes."""
    lines = [line("LATTE", number, 10_000, order_detail_id="d1", product_id="p1")]
    return {"order_details": lines, "total_amount": number * 10_000, "total_order_amount": number * 10_000, **fields}


def edited(number: int = 3) -> Story:
    """Return a sale of two lattes in Jurnal that was changed to so many, which is to be an update."""
    story = sold()
    accepted(story, "BookInvoice")
    polled(story, **lattes(number))
    return story


def not_allowed(story: Story, kind: str = "UpdateInvoice") -> None:
    """Let Jurnal not allow what was asked last of a kind."""
    story.refuse(of_kind(story, kind)[-1], "not let go", NOT_ALLOWED)


def to_go(story: Story) -> list[str]:
    """Return in words what is to be sent, in its order."""
    return [in_words(DECODER.decode(row.body)) for row in story.lane if row.state == "due"]


def ended(story: Story) -> list[str]:
    """Return in words what others took the place of."""
    return [in_words(DECODER.decode(row.body)) for row in story.lane if row.state == "superseded"]


def states(story: Story) -> dict[str, str]:
    """Return the state of each line of the list but the sale's, without the order's name."""
    return {key.replace("-order-1", ""): row.state for key, row in story.listed.items() if row.kind != "sale"}


def test_a_change_that_jurnal_does_not_allow_is_returned_and_booked_anew() -> None:
    """With lines of its own in the list; what it takes the place of is superseded."""
    story = edited()
    assert to_go(story) == ["update 1: 30000, 20000 into Cash"]
    not_allowed(story)
    assert to_go(story) == ["return 2026-11-21: 2 LATTE at 10000 = 20000", "invoice 2026-11-21: 30000", "apply: 20000"]
    assert ended(story) == ["update 1: 30000, 20000 into Cash"]
    assert states(story) == {"change-1": "superseded", "change-2": "booking"}
    change = story.listed["change-order-1-1"]
    assert (change.reason or "").startswith("Jurnal did not take this change of the invoice")
    books = SandboxBooks().book(story)
    assert (books.owed(), books.credit_left(), books.stock("LATTE")) == (10_000, 0, -3)


def test_a_deletion_that_jurnal_does_not_allow_is_a_return_and_a_refund() -> None:
    """Dated on the void's day, as if the rule had said so."""
    story = sold(DELETED)
    accepted(story, "BookInvoice")
    voided(story)
    assert to_go(story) == ["delete"]
    not_allowed(story, "DeleteInvoice")
    assert to_go(story) == ["return 2026-11-21: 2 LATTE at 10000 = 20000", "refund 2026-11-21: 20000 out of Cash"]
    assert states(story) == {"void": "superseded", "void-returned": "booking"}
    books = SandboxBooks().book(story)
    assert (books.owed(), books.balances.get("Cash", 0), books.stock("LATTE")) == (0, 0, 0)


def test_a_refusal_that_is_told_again_or_retried_plans_nothing_twice() -> None:
    """Nothing of what was given up is ever due again."""
    story = edited()
    not_allowed(story)
    lane = story.lane
    not_allowed_again = of_kind(story, "UpdateInvoice")[0]
    story.refuse(not_allowed_again, "not let go", NOT_ALLOWED)
    released = CommandReleased(command_id=not_allowed_again, actor="owner", reason="again")
    story.tell(own(released, "order-order-1", "release:1"))
    seen_to(story, "change-order-1-1")
    assert story.lane == lane
    polled(story, **lattes(3))
    assert story.lane == lane


def test_the_second_of_two_changes_is_booked_for_both() -> None:
    """One return and one invoice with the last content; the later change carries it."""
    story = edited()
    polled(story, **lattes(4))
    assert to_go(story) == ["update 1: 30000, 20000 into Cash", "update 2: 40000, 20000 into Cash"]
    story.refuse(of_kind(story, "UpdateInvoice")[0], "not let go", NOT_ALLOWED)
    assert to_go(story) == ["return 2026-11-21: 2 LATTE at 10000 = 20000", "invoice 2026-11-21: 40000", "apply: 20000"]
    assert len(ended(story)) == 2
    assert states(story) == {"change-1": "superseded", "change-2": "booking"}
    assert SandboxBooks().book(story).owed() == 20_000


def test_a_change_after_one_that_was_given_up_is_one_of_the_new_invoice() -> None:
    """Nothing is booked under an identity that was used."""
    story = edited()
    not_allowed(story)
    accepted(story, "ReturnSale", "BookInvoice", "ApplyCredit")
    polled(story, **lattes(5))
    assert states(story) == {"change-1": "superseded", "change-2": "booking", "change-3": "booking"}
    assert SandboxBooks().book(story).owed() == 30_000


def test_an_order_that_is_as_it_was_booked_needs_no_new_invoice() -> None:
    """Changed, changed back, and the first change was not allowed."""
    story = edited()
    polled(story)
    story.refuse(of_kind(story, "UpdateInvoice")[0], "not let go", NOT_ALLOWED)
    assert to_go(story) == []
    assert states(story) == {"change-1": "superseded", "change-2": "superseded"}
    assert SandboxBooks().book(story).owed() == 0


def test_an_order_that_was_voided_meanwhile_returns_what_jurnal_has() -> None:
    """The void keeps its identities and its line; the change of before is nothing any more."""
    story = edited()
    voided(story, **lattes(3))
    story.refuse(of_kind(story, "UpdateInvoice")[0], "not let go", NOT_ALLOWED)
    assert to_go(story) == ["return 2026-11-21: 2 LATTE at 10000 = 20000", "refund 2026-11-21: 20000 out of Cash"]
    assert states(story) == {"change-1": "superseded", "void": "booking"}


def test_goods_of_a_void_that_are_lost_are_those_of_the_change_that_was_not_allowed() -> None:
    """Two were booked, one was left of the order when it was voided: one is thrown away."""
    half = [paid("t1", 10_000)]
    story = sold(msgspec.structs.replace(RULES, void_restocks=False), transactions=half)
    accepted(story, "BookInvoice")
    polled(story, **lattes(1, transactions=half))
    voided(story, **lattes(1, transactions=half))
    story.refuse(of_kind(story, "UpdateInvoice")[0], "not let go", NOT_ALLOWED)
    books = SandboxBooks().book(story)
    assert (books.stock("LATTE"), books.owed(), books.balances.get("Cash", 0)) == (-1, 0, 0)


def test_a_payment_behind_it_is_received_on_the_new_invoice() -> None:
    """Under a new identity; its line goes on, and what it shows is the new one."""
    story = edited()
    polled(story, **lattes(3, transactions=[CASH, MORE]))
    assert to_go(story)[1:] == ["payment 2026-11-21: 10000 into Cash"]
    not_allowed(story)
    assert to_go(story)[-1] == "payment 2026-11-21: 10000 into Cash"
    assert ended(story) == ["update 1: 30000, 20000 into Cash", "payment 2026-11-21: 10000 into Cash"]
    assert states(story) == {"change-1": "superseded", "change-2": "booking", "payment-t2": "booking"}
    books = SandboxBooks().book(story)
    assert (books.owed(), books.balances["Cash"]) == (0, 30_000)


def test_a_refund_behind_it_goes_back_of_the_new_invoice() -> None:
    """What was told of it is judged there."""
    story = edited()
    polled(
        story, **lattes(3, transactions=[CASH, MORE, given_back(at=NEXT_DAY)], refunded_orders=[refund(at=NEXT_DAY)])
    )
    not_allowed(story)
    books = SandboxBooks().book(story)
    assert (books.owed(), books.credit_left(), books.balances["Cash"]) == (0, 0, 20_000)
    assert books.stock("LATTE") == -2


def test_a_void_that_is_undone_behind_a_deletion_leaves_the_invoice_alone() -> None:
    """It was never deleted, and the invoice that was to follow is not needed."""
    story = sold(DELETED)
    accepted(story, "BookInvoice")
    voided(story)
    polled(story)
    assert to_go(story)[:2] == ["delete", "invoice 2026-11-21: 20000"]
    not_allowed(story, "DeleteInvoice")
    assert to_go(story) == []
    assert states(story)["void"] == "superseded"
    assert SandboxBooks().book(story).owed() == 0


def test_what_is_asked_for_once_more_goes_in_its_new_place() -> None:
    """Voided again, after a void that was undone behind a deletion: the same identities, and no command is lost."""
    story = sold(DELETED)
    accepted(story, "BookInvoice")
    voided(story)
    polled(story)
    not_allowed(story, "DeleteInvoice")
    voided(story, at=NEXT_DAY)
    polled(story)
    lane = [row for row in story.lane if row.state == "due"]
    assert next(in_words(DECODER.decode(row.body)) for row in lane) == "return 2026-11-22: 2 LATTE at 10000 = 20000"
    invoice = next(row for row in lane if row.kind == "BookInvoice")
    assert (invoice.position, invoice.released_at) == (len(story.facts), len(story.facts))
    assert SandboxBooks().book(story).owed() == 0


@pytest.mark.parametrize("fields", [(), (IN_DOUBT, NOT_ALLOWED), ("transaction_date",)])
def test_only_what_jurnal_does_not_allow_is_given_up(fields: tuple[str, ...]) -> None:
    """Anything else is mended, or a person has to look: the same command goes again then."""
    story = edited()
    story.refuse(of_kind(story, "UpdateInvoice")[0], "no", *fields)
    assert [row.state for row in story.lane] == ["accepted", "refused"]


def test_where_it_cannot_be_booked_otherwise_it_stays_as_it_was_asked() -> None:
    """Goods of a void that are thrown away need an account: once that is mapped, the return takes the place."""
    story = sold(DELETED)
    accepted(story, "BookInvoice")
    voided(story)
    told(story, msgspec.structs.replace(DELETED, waste_account=None, void_restocks=False))
    not_allowed(story, "DeleteInvoice")
    assert [row.state for row in story.lane] == ["accepted", "refused"]
    assert states(story) == {"void": "booking"}
    told(story, msgspec.structs.replace(DELETED, void_restocks=False))
    assert to_go(story) == [
        "return 2026-11-21: 2 LATTE at 10000 = 20000",
        "stock 2026-11-21: -2 LATTE against Waste",
        "refund 2026-11-21: 20000 out of Cash",
    ]
    assert states(story) == {"void": "superseded", "void-returned": "booking"}


def test_where_it_cannot_be_booked_otherwise_a_person_may_ask_jurnal_again() -> None:
    """What hung on the invoice is undone: the same change goes, and is asked for the next time, too."""
    story = sold(DELETED)
    accepted(story, "BookInvoice")
    voided(story)
    told(story, msgspec.structs.replace(DELETED, waste_account=None, void_restocks=False))
    not_allowed(story, "DeleteInvoice")
    deletion = of_kind(story, "DeleteInvoice")[0]
    story.tell(own(CommandReleased(command_id=deletion, actor="owner", reason="undone"), "order-order-1", "release:1"))
    assert to_go(story) == ["delete"]
    told(story, msgspec.structs.replace(DELETED, void_restocks=False))
    assert to_go(story) == ["delete"]


def with_beans(number: int) -> dict[str, Any]:
    """Return what is told of an order of one set of so many beans, so many tens of thousands dear."""
    parts = [{"sku": "BEANS", "quantity": number}]
    a_set = line("SET", 1, number * 10_000, order_detail_id="d1", product_id="p1", product_type="composite")
    total = number * 10_000
    lines = [{**a_set, "product_composites": parts}]
    return {"order_details": lines, "total_amount": total, "total_order_amount": total, "transactions": []}


def test_parts_leave_once_however_often_the_order_was_changed_behind_it() -> None:
    """The stock of the second change comes out under its own identity, behind the return that it then needs."""
    story = sold(**with_beans(2))
    accepted(story, "BookInvoice", "AdjustStock")
    polled(story, **with_beans(3))
    polled(story, **with_beans(5))
    story.refuse(of_kind(story, "UpdateInvoice")[0], "not let go", NOT_ALLOWED)
    due = [row for row in story.lane if row.state == "due"]
    assert [row.kind for row in due] == ["ReturnSale", "AdjustStock", "BookInvoice", "AdjustStock"]
    assert states(story) == {"change-1": "superseded", "change-2": "booking"}
    books = SandboxBooks().book(story)
    assert (books.stock("BEANS"), books.stock("SET"), books.owed()) == (-5, -1, 50_000)


def test_nothing_that_jurnal_has_is_given_up() -> None:
    """By a rule of today the order would not be booked at all; its invoice and its parts stand in Jurnal."""
    story = sold(DELETED, **with_beans(2))
    accepted(story, "BookInvoice", "AdjustStock")
    voided(story, **with_beans(2))
    told(story, msgspec.structs.replace(DELETED, cost_account=None, taken_back_unsent="send_nothing"))
    lane = story.lane
    not_allowed(story, "DeleteInvoice")
    assert [row.state for row in story.lane] == ["accepted", "accepted", "refused", "due"]
    assert [row.body for row in story.lane] == [row.body for row in lane]


def test_what_jurnal_has_otherwise_than_it_would_be_now_keeps_all_behind_it_as_it_was_asked() -> None:
    """The return was dated before the books were closed: nothing behind it is given up for another one."""
    two_ways = [paid("t1", 12_000), paid("t2", 8_000)]
    story = sold(msgspec.structs.replace(RULES, closed_period="first_open_day"), transactions=two_ways)
    accepted(story, "BookInvoice", "ReceivePayment")
    polled(story, **lattes(3, transactions=two_ways))
    accepted(story, "ReturnSale")
    story.refuse(of_kind(story, "BookInvoice")[1], "closed", "transaction_date")
    told(story, BooksClosed(until=date(2026, 11, 25)))
    assert [row.state for row in story.lane] == ["accepted", "accepted", "accepted", "refused", "due"]


def test_clearing_money_of_a_payment_behind_it_counts_once() -> None:
    """It is received on another invoice than was planned, on the same day."""
    pay = {"gateway": "iseller_pay"}
    deposit, more = paid("t1", 20_000, **pay), {**MORE, **pay}
    story = sold(transactions=[deposit])
    accepted(story, "BookInvoice")
    polled(story, **lattes(3, transactions=[deposit, more]))
    before = {row.day: row.unsettled for row in story.rows(ClearingDayRow)}
    assert sum(before.values()) == 30_000
    not_allowed(story)
    assert {row.day: row.unsettled for row in story.rows(ClearingDayRow)} == before


def test_clearing_money_of_a_deletion_that_becomes_a_return_goes_back_once() -> None:
    """The refund out of the clearing takes the place of what went with the invoice."""
    deposit = paid("t1", 20_000, gateway="iseller_pay")
    story = sold(DELETED, transactions=[deposit])
    story.order(order_id="order-2", transactions=[{**deposit, "transaction_id": "t2"}])
    accepted(story, "BookInvoice")
    voided(story, transactions=[deposit])
    assert [row.unsettled for row in story.rows(ClearingDayRow)] == [20_000]
    not_allowed(story, "DeleteInvoice")
    assert [row.unsettled for row in story.rows(ClearingDayRow)] == [20_000]
    assert to_go(story)[-1] == "refund 2026-11-21: 20000 out of iSeller Pay Clearing"


def stored(state: str, **fields: Any) -> StoredCommand:
    """Return a command as its table may hold it."""
    row = CommandAdded(
        command_id="upd", company_id="c", stream_id="s", record_id="r", lane="s", position=5, ordinal=0,
        kind="UpdateInvoice", body=b"1", needs="",
    )  # fmt: skip
    return msgspec.structs.replace(_add(None, row), state=state, **fields)


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("refused", "superseded"), ("due", "superseded"), ("parked", "superseded"), ("accepted", "accepted"),
        ("skipped", "skipped"), ("superseded", "superseded"),
    ],
)  # fmt: skip
def test_what_is_in_jurnal_or_was_seen_to_is_never_superseded(state: str, after: str) -> None:
    """And what is superseded is so once."""
    known = _supersede(stored(state), CommandSuperseded(command_id="upd", reason="other", settled_at=9))
    assert known is not None
    assert known.state == after


def test_what_jurnal_accepts_after_all_counts_and_a_late_refusal_does_not() -> None:
    """A rebuild by newer rules may find that what it gives up was retried and booked."""
    known = stored("superseded", reason="other", settled_at=9)
    settled = CommandSettled(
        command_id="upd", state="refused", reason="no", document=None, settled_at=12, short_since=None
    )
    assert _settle(known, settled) == known
    accepted_late = _settle(known, msgspec.structs.replace(settled, state="accepted", reason=None))
    assert accepted_late is not None
    assert accepted_late.state == "accepted"
