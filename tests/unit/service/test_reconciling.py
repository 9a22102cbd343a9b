"""What is expected to stand in Jurnal, and what a list alone proves."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.answers import Document
from projections.jurnal_commands.booked import Booked
from projections.jurnal_commands.commands import Command, DeleteInvoice, UpdateInvoice
from projections.jurnal_commands.identity import command_id
from service import reconciling
from service.jurnal.listing import listed
from service.jurnal.mark_of import key_of, mark_of
from service.jurnal.resources import SALES_INVOICES, WAREHOUSE_TRANSFERS, number_of
from tests.unit.jurnal.made_up import INVOICE, TRANSFER

STORE = "kopi"
DAY = date(2026, 3, 2)
NAME = command_id(STORE, INVOICE)
CHANGE = UpdateInvoice(
    order_id=INVOICE.order_id,
    order_reference=INVOICE.order_reference,
    invoice=NAME,
    change=1,
    content=msgspec.structs.replace(INVOICE, total=INVOICE.total + 1),
)
DELETE = DeleteInvoice(order_id=INVOICE.order_id, order_reference=INVOICE.order_reference, invoice=NAME)


def booked(command: Command, **fields: Any) -> Booked:
    """Return an accepted command."""
    given: dict[str, Any] = {
        "state": "accepted",
        "document": Document(resource="sales_invoices", jurnal_id=7, amount=INVOICE.total),
        "business_date": DAY,
        "reason": None,
        "under_way": False,
        "to_go": False,
        "never_sent": False,
    }
    return Booked(command_id=command_id(STORE, command), command=command, stream_id="order-1", **{**given, **fields})


def expected(*commands: Booked, day: date = DAY) -> list[reconciling.Expected]:
    """Return what is expected of a day."""
    return reconciling.expected_in({each.command_id: each for each in commands}, day, day)


def test_an_accepted_invoice_is_expected_as_its_last_change_left_it() -> None:
    """And must not be sent again as it first was."""
    (one,) = expected(booked(INVOICE), booked(CHANGE), booked(msgspec.structs.replace(CHANGE, change=2)))
    assert isinstance(one.command, UpdateInvoice)
    assert (one.command.change, one.is_changed) == (2, True)
    assert reconciling.missing(one).document.repair == ""
    assert reconciling.missing(expected(booked(INVOICE))[0]).document.repair == "resend"


@pytest.mark.parametrize(
    "commands",
    [
        (booked(INVOICE), booked(DELETE)),
        (booked(INVOICE), booked(CHANGE, state="due", under_way=True)),
        (booked(INVOICE, state="due"),),
        (booked(INVOICE, business_date=date(2026, 3, 3)),),
    ],
    ids=["deleted by us", "a change is on its way", "sent again", "of another day"],
)
def test_nothing_is_expected_of_what_is_gone_on_its_way_or_of_another_day(commands: tuple[Booked, ...]) -> None:
    """A comparison speaks only of what stands still."""
    assert expected(*commands) == []


def test_a_transfers_number_proves_its_memo() -> None:
    """Jurnal shows no custom_id of it: the digits of its number are made from the identity."""
    name = command_id(STORE, TRANSFER)
    record = {"id": 1, "memo": f"iSeller TR/0007 9001 {name}", "transaction_no": number_of(TRANSFER, name)}
    assert (mark_of(WAREHOUSE_TRANSFERS, record), key_of(WAREHOUSE_TRANSFERS, record)) == (name, name)
    copied = {**record, "transaction_no": "10042"}
    assert (mark_of(WAREHOUSE_TRANSFERS, copied), key_of(WAREHOUSE_TRANSFERS, copied)) == (name, None)


def test_a_mark_of_another_kind_or_store_is_not_ours() -> None:
    """A journal entry's identity in an invoice's memo says nothing, and each store has its own."""
    assert mark_of(SALES_INVOICES, {"memo": f"iSeller 1 jnl-{STORE}.discount"}) is None
    other = listed(SALES_INVOICES, {"id": 1, "custom_id": "inv-other.order-1", "transaction_date": "02/03/2026"})
    assert other is not None
    assert list(reconciling.unknown_of(STORE, [other], {})) == []


def test_a_document_whose_command_was_never_sent_is_lost_and_one_under_way_is_not() -> None:
    """The first is what a restored ledger shows."""
    record = {"id": 7, "custom_id": NAME, "transaction_date": "02/03/2026", "original_amount": "1.0"}
    document = listed(SALES_INVOICES, record)
    assert document is not None
    assert document.amount == Decimal("1.0")
    for state, lost in ((booked(INVOICE, state="due", to_go=True, never_sent=True), [True]),
                        (booked(INVOICE, state="due", to_go=True), [True]),
                        (booked(INVOICE, state="due", under_way=True), []),
                        (booked(INVOICE, state="refused"), [False]),
                        (booked(INVOICE), [])):  # fmt: skip
        found = reconciling.unknown_of(STORE, [document], {NAME: state})
        assert [each.is_lost for each in found] == lost
