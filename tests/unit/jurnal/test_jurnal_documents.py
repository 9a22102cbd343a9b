"""Reading answers, and telling our document from another."""

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.answers import Document
from projections.jurnal_commands.commands import Command
from projections.jurnal_commands.identity import command_id, transaction_no
from service.jurnal.documents import matches, read_document
from service.jurnal.reading import UnreadableAnswer, read_date, read_decimal
from tests.unit.jurnal.made_up import (
    ADJUSTMENT,
    CUSTOMER,
    FEE,
    INVOICE,
    INVOICE_ID,
    INVOICE_NO,
    PAYMENT,
    PAYOUT,
    STORE,
    TRANSFER,
)

CLOSED = {"id": 2, "name": "Closed", "name_bahasa": "Selesai"}
INVOICE_RECORD = {
    "id": 7_001,
    "transaction_no": INVOICE_NO,
    "custom_id": INVOICE_ID,
    "transaction_status": {"id": 4, "name": "Partial", "name_bahasa": "Terbayar Sebagian"},
    "transaction_date": "02/03/2026",
    "deleted_at": None,
    "original_amount": "129902.0",
    "original_amount_currency_format": "Rp.  129.902,00",
    "deposit": "100000.0",
    "remaining": "29902.0",
    "deposit_to": {"id": 301, "name": "Bank BCA"},
    "warehouse": {"id": 801, "name": "Main Outlet", "code": ""},
}
PAYMENT_RECORD = {
    "id": 7_002,
    "transaction_no": "10010",
    "custom_id": command_id(STORE, PAYMENT),
    "transaction_status": {"id": 3, "name": "Paid"},
    "transaction_date": "05/03/2026",
    "deposit_to": {"id": 302, "name": "Cash"},
    "total": 29_902,
    "records": [{"id": 1, "transaction_id": 7_001, "amount": "29902.0", "transaction_no": INVOICE_NO}],
}
ADJUSTMENT_NO = transaction_no(command_id(STORE, ADJUSTMENT), "TI/0003")
ADJUSTMENT_RECORD: dict[str, Any] = {
    "id": 148,
    "date": "02/03/2026",
    "adjustment_type": "General",
    "account": {"id": 305, "name": "Goods Received"},
    "warehouse": {"id": 801, "name": "Main Outlet"},
    "stock_adjustment_lines_attributes": [
        {"product": {"id": 601, "name": "Kopi 250 g", "code": "KOPI-250"}, "difference": 4},
        {"product": {"id": 602, "name": "Teh 100 g", "code": "TEH-100"}, "difference": "-0.5"},
    ],
    "entry": {"transaction_number": f"Stock In/Out#{ADJUSTMENT_NO}"},
}
TRANSFER_NO = transaction_no(command_id(STORE, TRANSFER), "TR/0007")
TRANSFER_RECORD = {
    "id": 7_003,
    "transaction_date": "2026-03-02",
    "transaction_no": TRANSFER_NO,
    "from_warehouse": {"id": 801, "name": "Main Outlet", "code": ""},
    "to_warehouse": {"id": 802, "name": "iSeller in Transit", "code": ""},
    "warehouse_transfer_line_attributes": [
        {"id": 1, "quantity": "2.5", "product": {"id": 602, "name": "Teh 100 g", "code": "TEH-100"}},
        {"id": 2, "quantity": "3.0", "product": {"id": 601, "name": "Kopi 250 g", "code": "KOPI-250"}},
        {"id": 3, "quantity": "2.0", "product": {"id": 601, "name": "Kopi 250 g", "code": "KOPI-250"}},
    ],
}
PAYOUT_RECORD = {
    "id": 7_004,
    "transaction_no": transaction_no(command_id(STORE, PAYOUT), "PO-77"),
    "custom_id": command_id(STORE, PAYOUT),
    "transaction_status": CLOSED,
    "transaction_date": "02/03/2026",
    "original_amount": 987_654,
    "remaining": "987654.0",
    "deposit_to": {"id": 301, "name": "Bank BCA"},
}
FEE_RECORD = {
    "id": 7_005,
    "transaction_no": transaction_no(command_id(STORE, FEE), "PO-77"),
    "custom_id": command_id(STORE, FEE),
    "transaction_status": CLOSED,
    "transaction_date": "02/03/2026",
    "original_amount": Decimal("6913.58"),
    "refund_from": {"id": 303, "name": "iSeller Pay Clearing"},
}
CUSTOMER_RECORD = {"id": 7_006, "display_name": "Sari Contoh (C-0042)", "custom_id": command_id(STORE, CUSTOMER)}
RECORDS: list[tuple[Command, dict[str, Any]]] = [
    (INVOICE, INVOICE_RECORD),
    (PAYMENT, PAYMENT_RECORD),
    (TRANSFER, TRANSFER_RECORD),
    (ADJUSTMENT, ADJUSTMENT_RECORD),
    (PAYOUT, PAYOUT_RECORD),
    (FEE, FEE_RECORD),
    (CUSTOMER, CUSTOMER_RECORD),
]


def differences(command: Command, record: dict[str, Any]) -> list[str]:
    """Return how a record differs from its command."""
    return matches(command, command_id(STORE, command), record)


def changed(record: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return a copy of a record with other values."""
    return {**deepcopy(record), **values}


def test_an_invoice_keeps_number_status_amount_and_what_is_owed() -> None:
    """Text amounts become exact decimals."""
    body = msgspec.json.encode({"sales_invoice": INVOICE_RECORD})
    document, record = read_document(INVOICE, body)
    assert document == Document(
        resource="sales_invoices",
        jurnal_id=7_001,
        transaction_no=INVOICE_NO,
        status="Partial",
        amount=Decimal(129_902),
        remaining=Decimal(29_902),
    )
    assert record == INVOICE_RECORD


def test_a_bank_documents_remaining_is_not_money_owed() -> None:
    """Jurnal repeats the amount there; the ledger does not."""
    document, _ = read_document(PAYOUT, msgspec.json.encode({"bank_deposit": PAYOUT_RECORD}))
    assert (document.amount, document.remaining, document.status) == (Decimal(987_654), None, "Closed")


def test_a_payments_amount_is_what_it_settles() -> None:
    """The total is net of what is withheld, the records are not."""
    record = changed(PAYMENT_RECORD, total=28_000)
    document, _ = read_document(PAYMENT, msgspec.json.encode({"receive_payment": record}))
    assert document.amount == Decimal(29_902)


def test_a_decimal_number_is_read_without_a_float() -> None:
    """A JSON number with decimals keeps all its digits."""
    body = b'{"bank_withdrawal":{"id":5,"original_amount":90071992547409.93}}'
    assert read_document(FEE, body)[0].amount == Decimal("90071992547409.93")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>ok</html>",
        b'{"sales_invoice":{"id":7',
        b"[]",
        b"null",
        b'{"sales_order":{"id":7}}',
        b'{"sales_invoice":[]}',
        b'{"sales_invoice":{"id":null}}',
        b'{"sales_invoice":{"id":true}}',
        b'{"sales_invoice":"\xff"}',
    ],
)
def test_an_answer_without_the_record_is_unreadable(body: bytes) -> None:
    """Cut short, not JSON, another wrapper or no id: none of it says what was booked."""
    with pytest.raises(UnreadableAnswer):
        read_document(INVOICE, body)


@pytest.mark.parametrize(("command", "record"), RECORDS, ids=lambda value: type(value).__name__)
def test_the_document_of_a_command_matches_it(command: Command, record: dict[str, Any]) -> None:
    """What was asked for is recognised, in the date and number spellings of each resource."""
    assert differences(command, record) == []


@pytest.mark.parametrize(
    ("command", "record", "told"),
    [
        (INVOICE, changed(INVOICE_RECORD, original_amount="129901.0"), "original_amount"),
        (INVOICE, changed(INVOICE_RECORD, original_amount=None), "original_amount"),
        (INVOICE, changed(INVOICE_RECORD, custom_id=None), "custom_id"),
        (INVOICE, changed(INVOICE_RECORD, transaction_no="INV-OTHER"), "transaction_no"),
        (INVOICE, changed(INVOICE_RECORD, deposit="0.0"), "deposit"),
        (INVOICE, changed(INVOICE_RECORD, deposit_to={"id": 302, "name": "Cash"}), "deposit_to"),
        (INVOICE, changed(INVOICE_RECORD, warehouse={"id": None, "name": None}), "warehouse"),
        (INVOICE, changed(INVOICE_RECORD, transaction_date="03/03/2026"), "transaction_date"),
        (INVOICE, changed(INVOICE_RECORD, deleted_at="2026-03-04T00:00:00.000Z"), "deleted"),
        (PAYMENT, changed(PAYMENT_RECORD, custom_id="pay-other"), "custom_id"),
        (PAYMENT, changed(PAYMENT_RECORD, deposit_to={"name": "Bank BCA"}), "deposit_to"),
        (PAYMENT, changed(PAYMENT_RECORD, records=[{"amount": "1.0", "transaction_no": INVOICE_NO}]), "amount"),
        (PAYMENT, changed(PAYMENT_RECORD, records=[{"amount": "29902.0", "transaction_no": "X"}]), "invoice"),
        (TRANSFER, changed(TRANSFER_RECORD, transaction_no="1001"), "transaction_no"),
        (TRANSFER, changed(TRANSFER_RECORD, to_warehouse={"id": 803, "name": "Branch"}), "to_warehouse"),
        (TRANSFER, changed(TRANSFER_RECORD, from_warehouse={"id": -1, "name": None}), "Unassigned"),
        (TRANSFER, changed(TRANSFER_RECORD, warehouse_transfer_line_attributes=[]), "quantity"),
        (ADJUSTMENT, changed(ADJUSTMENT_RECORD, entry={"transaction_number": "Stock In/Out#10"}), "transaction_no"),
        (ADJUSTMENT, changed(ADJUSTMENT_RECORD, warehouse={"id": None, "name": None}), "warehouse"),
        (ADJUSTMENT, changed(ADJUSTMENT_RECORD, account={"name": "Cash"}), "account"),
        (ADJUSTMENT, changed(ADJUSTMENT_RECORD, date="03/03/2026"), "date"),
        (
            ADJUSTMENT,
            changed(
                ADJUSTMENT_RECORD,
                stock_adjustment_lines_attributes=[
                    {"product": {"code": "KOPI-250"}, "difference": 4},
                    {"product": {"code": "TEH-100"}, "difference": "0.5"},
                ],
            ),
            "difference of TEH-100",
        ),
        (PAYOUT, changed(PAYOUT_RECORD, original_amount=987_655), "original_amount"),
        (PAYOUT, changed(PAYOUT_RECORD, deposit_to={"name": "Cash"}), "deposit_to"),
        (FEE, changed(FEE_RECORD, original_amount=7_000), "original_amount"),
        (FEE, changed(FEE_RECORD, refund_from={"name": "Cash"}), "refund_from"),
        (CUSTOMER, changed(CUSTOMER_RECORD, custom_id="cus-other"), "custom_id"),
        (CUSTOMER, changed(CUSTOMER_RECORD, custom_id=None, display_name="Sari Contoh"), "display_name"),
    ],
)
def test_a_document_that_differs_is_told_apart_by_the_one_thing(
    command: Command, record: dict[str, Any], told: str
) -> None:
    """Exists and exists with another content are two answers, and a person reads which part differs."""
    found = differences(command, record)
    assert len(found) == 1
    assert told in found[0]


def test_a_quantity_that_differs_names_its_product() -> None:
    """Lines of one product are summed, and the sum is compared."""
    record = deepcopy(TRANSFER_RECORD)
    record["warehouse_transfer_line_attributes"][2]["quantity"] = "1.0"  # type: ignore[index]  # a JSON record
    assert differences(TRANSFER, record) == ["quantity of KOPI-250 is 4.0, not 5"]


def test_a_transfer_without_product_codes_is_compared_by_its_total() -> None:
    """Older answers leave the code empty; what went missing altogether still shows."""
    record = deepcopy(TRANSFER_RECORD)
    rows: Any = record["warehouse_transfer_line_attributes"]
    for row in rows:
        row["product"]["code"] = ""
    assert differences(TRANSFER, record) == []
    rows.pop()
    assert differences(TRANSFER, record) == ["quantity is 5.5, not 7.5"]


def test_a_contact_without_custom_id_is_known_by_the_code_in_its_name() -> None:
    """A contact's answer shows no custom_id, and no difference ever repeats a name."""
    assert differences(CUSTOMER, changed(CUSTOMER_RECORD, custom_id=None)) == []
    (told,) = differences(CUSTOMER, changed(CUSTOMER_RECORD, custom_id=None, display_name="Sari Contoh"))
    assert "Sari" not in told


def test_a_name_in_another_letter_case_is_the_same_name() -> None:
    """Jurnal's spelling of an account may differ from the mapping's."""
    assert differences(PAYOUT, changed(PAYOUT_RECORD, deposit_to={"name": "BANK BCA"})) == []


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("10692000.0", Decimal(10_692_000)),
        (300_000, Decimal(300_000)),
        (Decimal("0.5"), Decimal("0.5")),
        ("Rp.  1,00", None),
        ("NaN", None),
        (None, None),
        (True, None),
        ([], None),
    ],
)
def test_amounts_come_as_text_or_number(value: object, read: Decimal | None) -> None:
    """Formatted text, truth values and nothing are no amounts."""
    assert read_decimal(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("02/03/2026", date(2026, 3, 2)),
        ("02-03-2026", date(2026, 3, 2)),
        ("2026-03-02", date(2026, 3, 2)),
        ("2026-03-02T01:02:03.000Z", date(2026, 3, 2)),
        ("31/02/2026", None),
        ("soon", None),
        (None, None),
    ],
)
def test_dates_come_in_two_spellings(value: object, read: date | None) -> None:
    """The day stands first where slashes or a short first part say so."""
    assert read_date(value) == read
