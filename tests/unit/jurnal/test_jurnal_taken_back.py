"""What is sent to change, delete and give back, and how what Jurnal holds of it differs."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from projections.jurnal_commands.commands import (
    ApplyCredit,
    Command,
    CreateProduct,
    DeleteInvoice,
    IssueCreditMemo,
    JournalLine,
    PostJournal,
    RefundCredit,
    ReturnLine,
    ReturnSale,
    UpdateInvoice,
)
from projections.jurnal_commands.identity import command_id, transaction_no
from service.jurnal.documents import matches
from service.jurnal.exchange import API
from service.jurnal.needs import Need, needed
from service.jurnal.payloads import request_for
from service.jurnal.resources import number_of
from service.jurnal.standing import CreditNow, InvoiceNow, LineBack, LineNow, Standing
from tests.unit.jurnal.made_up import DAY, IDS, INVOICE, INVOICE_ID, INVOICE_NO, STORE

ORDER = {"order_id": INVOICE.order_id, "order_reference": "SO-1001"}
LINES = (ReturnLine(product_code="KOPI-250", quantity=Decimal("0.5"), rate=Decimal(45_001)),)
UPDATE = UpdateInvoice(**ORDER, invoice=INVOICE_ID, change=1, content=INVOICE)
DELETE = DeleteInvoice(**ORDER, invoice=INVOICE_ID)
RETURN = ReturnSale(
    **ORDER, return_id="R 1", invoice=INVOICE_ID, invoice_no=INVOICE_NO, transaction_date=DAY,
    warehouse="Main Outlet", lines=LINES, amount=Decimal("24975.56"),
)  # fmt: skip
CREDIT = IssueCreditMemo(
    **ORDER, credit_id="c1", transaction_date=DAY, walk_in_contact="Walk-in", customer_id=None,
    account="Goods Received", amount=Decimal("90071992547409.93"),
)  # fmt: skip
REFUND = RefundCredit(
    **ORDER, refund_id="f1", source="srn-1", transaction_date=DAY, walk_in_contact="Walk-in", customer_id=None,
    account="Bank BCA", amount=Decimal(6_000),
)  # fmt: skip
APPLY = ApplyCredit(
    **ORDER, apply_id="a1", source="srn-1", invoice=INVOICE_ID, invoice_no=INVOICE_NO, walk_in_contact="Walk-in",
    customer_id=None, amount=Decimal(8_000),
)  # fmt: skip
JOURNAL = PostJournal(
    journal_id="o:reclass:1", reference="SO-1001", transaction_date=DAY,
    lines=(
        JournalLine(account="Goods Received", debit=Decimal("5000.25")),
        JournalLine(account="Cash", credit=Decimal("5000.25")),
    ),
)  # fmt: skip
PRODUCT = CreateProduct(
    product_code="KOPI-9", name="Kopi ☕ Sembilan", unit="Pcs", track_inventory=True, sell_price=Decimal("12500.50"),
    buy_price=Decimal(0), sell_account="Goods Received", inventory_account="Cash", cost_account="Bank BCA",
)  # fmt: skip
STANDING = Standing(
    invoice=InvoiceNow(
        jurnal_id=9_001,
        number=INVOICE_NO,
        remaining=Decimal(29_902),
        lines=(
            LineNow(line_id=11, product_id=999, tax_id=None, quantity=Decimal(1), rate=Decimal(1)),
            LineNow(line_id=12, product_id=602, tax_id=None, quantity=Decimal(9), rate=Decimal(9)),
        ),
    ),
    credit=CreditNow(jurnal_id=9_500, number="10012", person_id=401, amount=Decimal(10_000), remaining=Decimal(10_000)),
    lines_back=(LineBack(12, Decimal("0.5")),),
)
# The attributes of the documented bodies, of which a request may have no other.
DOCUMENTED: Mapping[type[Command], str] = {
    UpdateInvoice: "transaction_date transaction_lines_attributes reference_no due_date deposit_to_name deposit "
    "discount_unit discount_type_name person_id warehouse_name transaction_no memo custom_id use_tax_inclusive "
    "tax_after_discount id quantity rate discount product_id line_tax_id description _destroy",
    ReturnSale: "transaction_date invoice_id invoice_no transaction_return_lines_attributes transaction_line_id "
    "product_id product_name return_quantity warehouse_id memo message",
    IssueCreditMemo: "person_id person_name person_type transaction_date transaction_no "
    "transaction_account_lines_attributes account_name description credit debit memo custom_id",
    RefundCredit: "person_id transaction_date refund_from_id credit_memo_refund_lines_attributes credit_memo_id "
    "refund_amount description",
    ApplyCredit: "person_id selected_credit_memo_id records_attributes transaction_id amount",
    PostJournal: "transaction_date transaction_no memo custom_id tags transaction_account_lines_attributes "
    "account_name debit credit",
    CreateProduct: "name taxable_buy unit_name sell_tax_id buy_tax_id sell_price_per_unit custom_id track_inventory "
    "description buy_price_per_unit product_code is_bought buy_account_number buy_account_name is_sold "
    "sell_account_number sell_account_name taxable_sell inventory_asset_account_name",
}
WITH_BODY: list[Command] = [UPDATE, RETURN, CREDIT, REFUND, APPLY, JOURNAL, PRODUCT]


def body(command: Command) -> dict[str, Any]:
    """Return the attributes of a request, decimals exact."""
    request = request_for(command, command_id(STORE, command), IDS, standing=STANDING)
    decoded = msgspec.json.Decoder(float_hook=Decimal).decode(request.body)
    (fields,) = decoded.values()
    assert isinstance(fields, dict)
    return fields


def keys(value: object) -> set[str]:
    """Return all names in a body."""
    if isinstance(value, dict):
        return set(value) | {key for part in value.values() for key in keys(part)}
    return {key for part in value for key in keys(part)} if isinstance(value, list) else set()


@pytest.mark.parametrize("command", WITH_BODY, ids=lambda command: type(command).__name__)
def test_only_documented_attributes_are_sent(command: Command) -> None:
    """Jurnal drops others without a word."""
    assert keys(body(command)) <= set(DOCUMENTED[type(command)].split())


@pytest.mark.parametrize("command", [*WITH_BODY, DELETE], ids=lambda command: type(command).__name__)
def test_all_that_a_command_names_is_looked_up(command: Command) -> None:
    """No request asks for an id that nobody looked for."""
    only = {need: IDS[need] for need in needed(command)}
    request_for(command, command_id(STORE, command), only, standing=STANDING)


@pytest.mark.parametrize(
    ("command", "method", "path"),
    [
        (UPDATE, "PATCH", f"sales_invoices/{INVOICE_ID}"),
        (DELETE, "DELETE", f"sales_invoices/{INVOICE_ID}"),
        (RETURN, "POST", "sales_returns"),
        (CREDIT, "POST", "credit_memos"),
        (REFUND, "POST", "customer_credit_memo_refund"),
        (APPLY, "POST", "customer_apply_credit_memo"),
        (JOURNAL, "POST", "journal_entries"),
        (PRODUCT, "POST", "products"),
    ],
)
def test_each_command_has_its_method_and_path(command: Command, method: str, path: str) -> None:
    """An invoice is changed and deleted under its own custom_id; a delete has no body."""
    request = request_for(command, command_id(STORE, command), IDS, standing=STANDING)
    assert (request.method, request.path) == (method, f"{API}/{path}")
    assert (request.body == b"") == (command is DELETE)


def test_the_identity_stands_where_a_document_has_room_for_it() -> None:
    """In keys, memo or line; an application has none."""
    identity = {type(command): command_id(STORE, command) for command in WITH_BODY}
    assert body(UPDATE)["memo"] == f"iSeller SO-1001 {INVOICE.order_id} {identity[type(UPDATE)]}"
    assert (body(UPDATE)["custom_id"], body(UPDATE)["transaction_no"]) == (INVOICE_ID, INVOICE_NO)
    assert body(RETURN)["memo"] == f"iSeller SO-1001 R 1 {identity[type(RETURN)]}"
    assert body(CREDIT)["custom_id"] == identity[type(CREDIT)]
    assert body(CREDIT)["transaction_no"] == transaction_no(identity[type(CREDIT)], "SO-1001")
    (line,) = body(REFUND)["credit_memo_refund_lines_attributes"]
    assert line["description"] == f"iSeller SO-1001 {identity[type(REFUND)]}"
    assert identity[type(APPLY)] not in repr(body(APPLY))
    assert body(JOURNAL)["custom_id"] == identity[type(JOURNAL)]
    assert body(PRODUCT)["custom_id"] == identity[type(PRODUCT)]


def test_amounts_of_credits_are_exact() -> None:
    """No float could hold them."""
    (line,) = body(CREDIT)["transaction_account_lines_attributes"]
    assert line["debit"] == Decimal("90071992547409.93")
    assert body(RETURN)["transaction_return_lines_attributes"] == [
        {"transaction_line_id": 12, "return_quantity": Decimal("0.5")}
    ]
    assert body(APPLY)["records_attributes"] == [{"transaction_id": 9_001, "amount": 8_000}]
    assert body(PRODUCT)["sell_price_per_unit"] == "12500.50"


def test_a_change_names_every_line_of_before() -> None:
    """A line of the same product and tax takes an id over, the others are new, and what is left over goes."""
    rows = body(UPDATE)["transaction_lines_attributes"]
    assert [row.get("id") for row in rows] == [None, 12, 11]
    assert [row.get("_destroy") for row in rows] == [None, None, True]
    nothing = msgspec.structs.replace(INVOICE, deposit=Decimal(0), header_discount=Decimal(0), deposit_account=None)
    emptied = body(msgspec.structs.replace(UPDATE, content=nothing))
    assert (emptied["deposit"], emptied["discount_unit"]) == (0, 0)


RETURN_RECORD: dict[str, Any] = {
    "id": 1, "memo": body(RETURN)["memo"], "invoice_no": INVOICE_NO, "return_amount": Decimal("24975.56"),
    "warehouse": {"name": "Main Outlet"}, "transaction_date": "02/03/2026",
    "transaction_return_lines_attributes": [
        {"return_quantity": "0.5", "transaction_line": {"product": {"product_code": "KOPI-250"}}}
    ],
}  # fmt: skip
READ_AGAIN = [{"return_quantity": "0.5", "transaction_line": {"product": "Kopi 250 g"}}]
REFUND_RECORD: dict[str, Any] = {
    "id": 2, "original_amount": "6000.0", "refund_from_name": "BANK BCA", "transaction_date": "02/03/2026",
    "credit_memo_refund_lines": [{"description": f"iSeller SO-1001 {command_id(STORE, REFUND)}"}],
}  # fmt: skip
APPLY_RECORD: dict[str, Any] = {
    "id": 3, "original_amount": "8000.0", "records": [{"transaction_no": INVOICE_NO}], "transaction_date": "24/12/2026",
}  # fmt: skip
CREDIT_RECORD: dict[str, Any] = {
    "id": 4, "custom_id": command_id(STORE, CREDIT), "transaction_no": number_of(CREDIT, command_id(STORE, CREDIT)),
    "original_amount": "90071992547409.93", "transaction_date": "02/03/2026",
}  # fmt: skip
JOURNAL_RECORD: dict[str, Any] = {
    "id": 5, "custom_id": command_id(STORE, JOURNAL), "transaction_no": number_of(JOURNAL, command_id(STORE, JOURNAL)),
    "transaction_date": "02/03/2026",
    "transaction_account_lines": [
        {"account": {"name": "GOODS RECEIVED"}, "debit": "5000.25", "credit": 0},
        {"account": {"name": "Cash"}, "debit": 0, "credit": Decimal("5000.25")},
    ],
}  # fmt: skip
PRODUCT_RECORD: dict[str, Any] = {
    "id": 6, "product_code": " KOPI-9", "track_inventory": True, "archive": False,
    "sell_account": {"name": "Goods Received"},
}  # fmt: skip
UPDATE_RECORD: dict[str, Any] = {
    "id": 7, "custom_id": INVOICE_ID, "original_amount": "129902.0", "deposit": "100000.0",
    "deposit_to": {"name": "Bank BCA"}, "warehouse": {"name": "Main Outlet"}, "transaction_date": "02/03/2026",
    "due_date": "01/04/2026",
    "transaction_lines_attributes": [
        {"product": {"code": "KOPI-250"}, "quantity": 2}, {"product": {"code": "TEH-100"}, "quantity": "1.5"},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "record"),
    [
        (UPDATE, UPDATE_RECORD),
        (RETURN, RETURN_RECORD),
        (RETURN, {**RETURN_RECORD, "transaction_return_lines_attributes": READ_AGAIN}),
        (CREDIT, CREDIT_RECORD),
        (REFUND, REFUND_RECORD),
        (APPLY, APPLY_RECORD),
        (JOURNAL, JOURNAL_RECORD),
        (PRODUCT, PRODUCT_RECORD),
    ],
)
def test_what_was_asked_for_is_recognised(command: Command, record: dict[str, Any]) -> None:
    """Reading a return shows less than making it; an application has the date of its day."""
    assert matches(command, command_id(STORE, command), record) == []


@pytest.mark.parametrize(
    ("command", "record", "told"),
    [
        (UPDATE, {**UPDATE_RECORD, "original_amount": "1.0"}, "original_amount is 1.0, not 129902"),
        (UPDATE, {**UPDATE_RECORD, "due_date": "02/04/2026"}, "due_date is 2026-04-02, not 2026-04-01"),
        (UPDATE, {**UPDATE_RECORD, "custom_id": "inv-x"}, f"custom_id is inv-x, not {INVOICE_ID}"),
        (RETURN, {**RETURN_RECORD, "return_amount": 1}, "return_amount is 1, not 24975.56"),
        (RETURN, {**RETURN_RECORD, "invoice_no": "INV-9"}, f"invoice_no is INV-9, not {INVOICE_NO}"),
        (RETURN, {**RETURN_RECORD, "memo": None}, f"memo is None, without {command_id(STORE, RETURN)}"),
        (RETURN, {**RETURN_RECORD, "warehouse": {"name": "X"}}, "warehouse is X, not Main Outlet"),
        (CREDIT, {**CREDIT_RECORD, "original_amount": "5.0"}, "original_amount is 5.0, not 90071992547409.93"),
        (REFUND, {**REFUND_RECORD, "refund_from_name": "Cash"}, "refund_from is Cash, not Bank BCA"),
        (REFUND, {**REFUND_RECORD, "original_amount": "6001.0"}, "original_amount is 6001.0, not 6000"),
        (APPLY, {**APPLY_RECORD, "records": []}, f"invoice is [], not ['{INVOICE_NO}']"),
        (JOURNAL, {**JOURNAL_RECORD, "transaction_date": "03/03/2026"}, "transaction_date is 2026-03-03"),
        (
            JOURNAL,
            {**JOURNAL_RECORD, "transaction_account_lines": JOURNAL_RECORD["transaction_account_lines"][:1]},
            "the change of cash is 0, not -5000.25",
        ),
        (PRODUCT, {**PRODUCT_RECORD, "archive": True}, "the product is archived"),
        (PRODUCT, {**PRODUCT_RECORD, "product_code": "X"}, "product_code is X, not KOPI-9"),
    ],
)
def test_what_differs_is_named(command: Command, record: dict[str, Any], told: str) -> None:
    """A person reads which part, and both values."""
    (found,) = matches(command, command_id(STORE, command), record)
    assert found.startswith(told)


def test_a_deposit_that_is_not_there_any_more_needs_no_account() -> None:
    """What is looked up is what the new content names."""
    nothing = msgspec.structs.replace(INVOICE, deposit=Decimal(0), deposit_account=None)
    assert Need("account", "Bank BCA") not in needed(msgspec.structs.replace(UPDATE, content=nothing))
