"""What is sent for each command."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from projections.jurnal_commands.commands import Command, ReceivePayment
from projections.jurnal_commands.identity import command_id, transaction_no
from service.jurnal.exchange import API
from service.jurnal.needs import Known, Need, needed
from service.jurnal.payloads import PersonNames, request_for
from service.jurnal.resources import probe_for, reading_of
from tests.unit.jurnal.made_up import (
    ADJUSTMENT,
    COMMANDS,
    CUSTOMER,
    FEE,
    IDS,
    INVOICE,
    INVOICE_ID,
    INVOICE_NO,
    PAYMENT,
    PAYOUT,
    STORE,
    TRANSFER,
)

PERSON = PersonNames(first="Sari ☕", last="Contoh", phone="0812 000", email="sari@contoh.id")


def sent(command: Command, person: PersonNames | None = None) -> Any:
    """Return the attributes of the request for a command, decimals exact."""
    request = request_for(command, command_id(STORE, command), IDS, person)
    (fields,) = msgspec.json.Decoder(float_hook=Decimal).decode(request.body).values()
    return fields


def test_a_paid_invoice_with_a_header_discount() -> None:
    """Ids where documented, exact numbers, the discount after tax, the deposit into its account."""
    request = request_for(INVOICE, INVOICE_ID, IDS)
    assert (request.method, request.path) == ("POST", f"{API}/sales_invoices")
    assert sent(INVOICE) == {
        "transaction_date": "2026-03-02",
        "due_date": "2026-04-01",
        "transaction_no": INVOICE_NO,
        "custom_id": INVOICE_ID,
        "reference_no": "SO-1001",
        "memo": f"iSeller SO-1001 0f3c8d52-11 {INVOICE_ID}",
        "person_id": 401,
        "warehouse_name": "Main Outlet",
        "use_tax_inclusive": False,
        "tax_after_discount": False,
        "discount_type_name": "value",
        "discount_unit": Decimal("0.22"),
        "deposit": 100_000,
        "deposit_to_name": "Bank BCA",
        "transaction_lines_attributes": [
            {"product_id": 601, "quantity": 2, "rate": 45_001, "line_tax_id": 701},
            {"product_id": 602, "quantity": Decimal("1.5"), "rate": 20_000, "description": "Teh melati"},
        ],
    }


def test_an_open_invoice_without_discount_says_nothing_of_either() -> None:
    """No deposit leaves the invoice open; without a header discount the tax switch has its usual value."""
    fields = sent(msgspec.structs.replace(INVOICE, header_discount=Decimal(0), deposit=Decimal(0)))
    assert not {"deposit", "deposit_to_name", "discount_type_name", "discount_unit"} & set(fields)
    assert fields["tax_after_discount"] is True


def test_a_registered_customer_is_the_invoices_person() -> None:
    """The contact of a known customer stands in place of the walk-in one."""
    command = msgspec.structs.replace(INVOICE, customer_id="9c1f")
    ids = {**IDS, Need("customer", "9c1f"): Known(499, "Sari Contoh (C-0042)")}
    fields = msgspec.json.decode(request_for(command, INVOICE_ID, ids).body)["sales_invoice"]
    assert fields["person_id"] == 499
    assert Need("customer", "9c1f") in needed(command)
    assert Need("contact", "Walk-in") not in needed(command)


def test_amounts_are_written_digit_by_digit() -> None:
    """An amount no float can hold reaches the wire with all its digits, as a JSON number."""
    command = msgspec.structs.replace(PAYMENT, amount=Decimal("12345678901234567.89"))
    assert b'"amount":12345678901234567.89}' in request_for(command, "pay-1", IDS).body


def test_a_payment_names_the_invoice_by_its_number() -> None:
    """One record, on the invoice our own number names, into the account's id."""
    identity = command_id(STORE, PAYMENT)
    assert sent(PAYMENT) == {
        "transaction_date": "2026-03-05",
        "transaction_no": transaction_no(identity, "SO-1001"),
        "custom_id": identity,
        "memo": f"iSeller SO-1001 771 {identity}",
        "records_attributes": [{"transaction_no": INVOICE_NO, "amount": 29_902}],
        "payment_method_id": 501,
        "deposit_to_id": 302,
        "is_draft": False,
    }


def test_a_transfer_names_warehouses_by_id_and_products_by_name() -> None:
    """Those are the attributes documented for it."""
    identity = command_id(STORE, TRANSFER)
    assert sent(TRANSFER) == {
        "transaction_date": "2026-03-02",
        "transaction_no": transaction_no(identity, "TR/0007"),
        "custom_id": identity,
        "memo": f"iSeller TR/0007 9001 {identity}",
        "from_warehouse_id": 801,
        "to_warehouse_id": 802,
        "warehouse_transfer_lines_attributes": [
            {"product_name": "Kopi 250 g", "quantity": 5},
            {"product_name": "Teh 100 g", "quantity": Decimal("2.5")},
        ],
    }


def test_goods_that_go_back_carry_a_reference_of_their_own() -> None:
    """The memo tells a return from the goods that the same receipt accepted."""
    back = msgspec.structs.replace(TRANSFER, is_return=True)
    identity = command_id(STORE, back)
    assert identity.startswith("ret-")
    assert sent(back)["memo"] == f"iSeller TR/0007 9001.back {identity}"


def test_a_stock_adjustment_is_a_difference_with_its_price_where_it_has_one() -> None:
    """Stock In/Out, never a count; a price stands only where goods were bought."""
    identity = command_id(STORE, ADJUSTMENT)
    assert sent(ADJUSTMENT) == {
        "stock_adjustment_type": "General",
        "maintain_actual": False,
        "date": "2026-03-02",
        "transaction_no": transaction_no(identity, "TI/0003"),
        "custom_id": identity,
        "memo": f"iSeller TI/0003 9002 {identity}",
        "warehouse_id": 801,
        "account_name": "Goods Received",
        "lines_attributes": [
            {
                "product_name": "Kopi 250 g",
                "difference": 4,
                "use_custom_average_price": True,
                "average_price": Decimal("41250.50"),
            },
            {"product_name": "Teh 100 g", "difference": Decimal("-0.5")},
        ],
    }


def test_a_stock_adjustment_is_looked_up_by_its_number_in_words_that_jurnal_needs() -> None:
    """Without both words Jurnal would take the number for an id."""
    identity = command_id(STORE, ADJUSTMENT)
    number = transaction_no(identity, "TI/0003")
    found_by = "search_by=transaction_no&transaction_type=movement"
    assert probe_for(ADJUSTMENT, identity).path == f"{API}/stock_adjustments/{number}?{found_by}"


def test_a_payout_is_one_deposit_that_credits_the_clearing_account() -> None:
    """The deposit is exactly what reaches the bank, out of what iSeller Pay holds."""
    fields, identity = sent(PAYOUT), command_id(STORE, PAYOUT)
    assert fields == {
        "deposit_to_name": "Bank BCA",
        "person_name": "iSeller Pay",
        "transaction_date": "2026-03-02",
        "transaction_no": transaction_no(identity, "PO-77"),
        "custom_id": identity,
        "memo": f"iSeller PO-77 PO-77 {identity}",
        "transaction_account_lines_attributes": [
            {"account_name": "iSeller Pay Clearing", "description": "iSeller PO-77", "credit": 987_654}
        ],
    }


def test_a_payouts_fee_is_one_withdrawal_that_debits_the_fee_account() -> None:
    """The fee leaves the clearing account."""
    fields = sent(FEE)
    assert fields["refund_from_name"] == "iSeller Pay Clearing"
    assert fields["transaction_account_lines_attributes"] == [
        {"account_name": "iSeller Pay MDR", "description": "iSeller PO-77", "debit": Decimal("6913.58")}
    ]


def test_a_customers_display_name_ends_with_the_code() -> None:
    """Two customers of one name are two contacts, and emoji stay behind."""
    assert sent(CUSTOMER, PERSON) == {
        "display_name": "Sari Contoh (C-0042)",
        "first_name": "Sari",
        "last_name": "Contoh",
        "phone": "0812 000",
        "email": "sari@contoh.id",
        "custom_id": command_id(STORE, CUSTOMER),
    }


def test_a_customer_without_code_or_name_still_has_a_display_name() -> None:
    """The first eight characters of the id stand for the code; what is not known is not sent."""
    command = msgspec.structs.replace(CUSTOMER, code="")
    assert sent(command, PersonNames(email="none")) == {
        "display_name": "iSeller (9c1f00aa)",
        "custom_id": command_id(STORE, command),
    }


def test_a_persons_names_do_not_show_in_its_repr() -> None:
    """A log line or an exception with the names in its arguments tells nothing."""
    assert "Sari" not in f"{PERSON} {PERSON!r} {[PERSON]}"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_what_is_needed_is_all_that_a_request_looks_up(command: Command) -> None:
    """With just the needed look-ups the request can be made, and with one missing it cannot."""
    needs = needed(command)
    assert len(needs) == len(set(needs))
    only = {need: IDS[need] for need in needs}
    assert request_for(command, "x-1", only, PERSON) == request_for(command, "x-1", IDS, PERSON)
    for need in needs:
        if need.kind == "payment_method":
            continue  # Jurnal makes a method that it is told by name
        with pytest.raises(KeyError):
            request_for(command, "x-1", {key: value for key, value in only.items() if key != need}, PERSON)


def test_a_payment_method_that_jurnal_lacks_is_told_by_name() -> None:
    """Jurnal makes a payment method of an unknown name; one it knows is told by its id."""
    payment = next(command for command in COMMANDS if isinstance(command, ReceivePayment))
    need = Need("payment_method", payment.payment_method)
    without = {key: value for key, value in IDS.items() if key != need}
    known = msgspec.json.decode(request_for(payment, "pay-1", IDS).body)["receive_payment"]
    unknown = msgspec.json.decode(request_for(payment, "pay-1", without).body)["receive_payment"]
    assert known["payment_method_id"] == IDS[need].jurnal_id
    assert "payment_method_name" not in known
    assert unknown["payment_method_name"] == payment.payment_method
    assert "payment_method_id" not in unknown


def test_how_a_deposit_was_paid_stands_in_memo_and_tag() -> None:
    """A deposit has no payment method of its own in Jurnal; without one nothing is said."""
    paid = sent(msgspec.structs.replace(INVOICE, deposit_method="QRIS  ☕ BCA"))
    assert paid["memo"] == f"iSeller SO-1001 QRIS BCA 0f3c8d52-11 {INVOICE_ID}"
    assert paid["tags"] == ["QRIS BCA"]
    assert "tags" not in sent(INVOICE)


@pytest.mark.parametrize("method", [None, "cash", "M" * 400])
def test_the_identity_stands_in_the_memo_whatever_the_reference(method: str | None) -> None:
    """A reference of any length leaves room for the identity that both systems are searched by."""
    command = msgspec.structs.replace(
        INVOICE, order_reference="☕" + "R" * 400, order_id="o" * 400, deposit_method=method
    )
    identity = "inv-" + "i" * 96
    memo = msgspec.json.decode(request_for(command, identity, IDS).body)["sales_invoice"]["memo"]
    assert memo.endswith(f" {identity}")
    assert len(memo) <= 250


def test_documents_are_probed_by_custom_id_and_transfers_by_number() -> None:
    """A transfer's custom_id is never seen again; its number is its only key."""
    assert probe_for(INVOICE, INVOICE_ID).path == f"{API}/sales_invoices/{INVOICE_ID}"
    identity = command_id(STORE, TRANSFER)
    number = transaction_no(identity, "TR/0007")
    assert probe_for(TRANSFER, identity).path == f"{API}/warehouse_transfers/{number}"
    assert "/" not in number


def test_a_key_with_signs_is_percent_encoded_in_the_path() -> None:
    """A slash, a blank or a fragment sign in a key cannot make another address of it."""
    assert probe_for(PAYMENT, "pay-a/b #1?c").path == f"{API}/receive_payments/pay-a%2Fb%20%231%3Fc"


def test_a_record_in_the_way_is_read_by_its_id() -> None:
    """What a conflict names is read from the command's own resource."""
    assert reading_of(FEE, 12).path == f"{API}/bank_withdrawals/12"
