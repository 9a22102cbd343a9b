"""What is sent to Jurnal for a command. Pure: the same command and look-ups make the same bytes.

Jurnal drops attributes it does not know without a word, so only documented ones stand here; ids where it documents
them, Jurnal's own names elsewhere.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, assert_never

import msgspec

from projections.jurnal_commands.commands import (
    AdjustStock,
    BookInvoice,
    Command,
    CreateCustomer,
    DepositPayout,
    InvoiceLine,
    ReceivePayment,
    StockChange,
    TransferStock,
    WithdrawPayoutFee,
)
from service.jurnal.exchange import JurnalRequest
from service.jurnal.resources import number_of, reference_of, resource_of
from service.jurnal.wording import email_or_none, exact_number, phone_or_none, plain

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
Fields = dict[str, Any]
NeedKind = Literal["account", "contact", "customer", "payment_method", "product", "tax", "warehouse"]


class Need(msgspec.Struct, frozen=True):
    """A thing of Jurnal's that a command names. A `customer` is known by its CreateCustomer, the rest by look-up."""

    kind: NeedKind
    key: str


class Known(msgspec.Struct, frozen=True):
    """A thing of Jurnal's master data: its id, and its name as Jurnal spells it."""

    jurnal_id: int
    name: str


class PersonNames(msgspec.Struct, frozen=True, kw_only=True):
    """The unsealed names of a customer. They are sent and never stored or logged."""

    first: str | None = None
    last: str | None = None
    phone: str | None = None
    email: str | None = None

    def __repr__(self) -> str:
        return "PersonNames(sealed)"


Needed = tuple[Need, ...]
ResolvedIds = Mapping[Need, Known]


def needed(command: Command) -> Needed:
    """Return what must be looked up before a command can be sent, each once, in the order it is named."""
    return tuple(dict.fromkeys(_needs(command)))


def _needs(command: Command) -> list[Need]:  # noqa: PLR0911 - one branch for each command
    match command:
        case CreateCustomer():
            return []
        case BookInvoice():
            taxes = [Need("tax", line.tax_name) for line in command.lines if line.tax_name is not None]
            products = [Need("product", line.product_code) for line in command.lines]
            return [_buyer(command), Need("warehouse", command.warehouse), *products, *taxes, *_deposit_need(command)]
        case ReceivePayment():
            return [Need("account", command.account), Need("payment_method", command.payment_method)]
        case TransferStock():
            ends = [Need("warehouse", command.from_warehouse), Need("warehouse", command.to_warehouse)]
            return [*ends, *(Need("product", line.product_code) for line in command.lines)]
        case AdjustStock():
            place = [Need("warehouse", command.warehouse), Need("account", command.account)]
            return [*place, *(Need("product", line.product_code) for line in command.lines)]
        case DepositPayout():
            accounts = [Need("account", command.account), Need("account", command.clearing_account)]
            return [*accounts, Need("contact", command.contact)]
        case WithdrawPayoutFee():
            accounts = [Need("account", command.clearing_account), Need("account", command.fee_account)]
            return [*accounts, Need("contact", command.contact)]
        case _:
            assert_never(command)


def _buyer(command: BookInvoice) -> Need:
    if command.customer_id is None:
        return Need("contact", command.walk_in_contact)
    return Need("customer", command.customer_id)


def _deposit_need(command: BookInvoice) -> list[Need]:
    if command.deposit <= 0:
        return []
    assert command.deposit_account is not None, "a deposit goes into an account"
    return [Need("account", command.deposit_account)]


def request_for(
    command: Command, command_id: str, ids: ResolvedIds, person: PersonNames | None = None
) -> JurnalRequest:
    """Return the request that carries out a command. `ids` answers all of `needed`; `person` is for a customer."""
    resource = resource_of(command)
    body = _ENCODE({resource.singular: _fields(command, command_id, ids, person)})
    return JurnalRequest(method="POST", path=resource.path, body=body)


def _fields(  # noqa: PLR0911 - one branch for each command
    command: Command, command_id: str, ids: ResolvedIds, person: PersonNames | None
) -> Fields:
    match command:
        case CreateCustomer():
            assert person is not None, "a customer is sent with its unsealed names"
            return _customer(command, command_id, person)
        case BookInvoice():
            return _invoice(command, command_id, ids)
        case ReceivePayment():
            return _payment(command, command_id, ids)
        case TransferStock():
            return _transfer(command, command_id, ids)
        case AdjustStock():
            return _adjustment(command, command_id, ids)
        case DepositPayout():
            return _deposit(command, command_id, ids)
        case WithdrawPayoutFee():
            return _withdrawal(command, command_id, ids)
        case _:
            assert_never(command)


def memo(command: Command, command_id: str, object_id: str) -> str:
    """Return the memo of a document: what a person can search both systems for."""
    # Each part has its own limit, so that a long one cannot push the identity out of the memo.
    reference = plain(reference_of(command), characters_max=80)
    return f"iSeller {reference} {plain(object_id, characters_max=60)} {command_id}"


def customer_mark(command: CreateCustomer) -> str:
    """Return the end of a customer's display name, which tells two people of one name apart."""
    return f"({plain(command.code) or command.customer_id[:8]})"


def _customer(command: CreateCustomer, command_id: str, person: PersonNames) -> Fields:
    first, last = (plain(name or "", characters_max=100) for name in (person.first, person.last))
    name = " ".join(filter(None, (first, last))) or "iSeller"
    fields = {
        "display_name": f"{name} {customer_mark(command)}",
        "first_name": first or None,
        "last_name": last or None,
        "phone": phone_or_none(person.phone),
        "email": email_or_none(person.email),
        "custom_id": command_id,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _invoice(command: BookInvoice, command_id: str, ids: ResolvedIds) -> Fields:
    fields: Fields = {
        "transaction_date": command.transaction_date.isoformat(),
        "due_date": command.due_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "reference_no": plain(command.order_reference),
        "memo": memo(command, command_id, command.order_id),
        "person_id": ids[_buyer(command)].jurnal_id,
        "warehouse_name": ids[Need("warehouse", command.warehouse)].name,
        "use_tax_inclusive": False,
        # Header discount rounds the total down; it must not touch the tax, which the lines' nets determine.
        "tax_after_discount": command.header_discount <= 0,
        "transaction_lines_attributes": [_invoice_line(line, ids) for line in command.lines],
    }
    if command.header_discount > 0:
        fields |= {"discount_type_name": "value", "discount_unit": exact_number(command.header_discount)}
    for account in _deposit_need(command):
        fields |= {"deposit": exact_number(command.deposit), "deposit_to_name": ids[account].name}
    return fields


def _invoice_line(line: InvoiceLine, ids: ResolvedIds) -> Fields:
    fields: Fields = {
        "product_id": ids[Need("product", line.product_code)].jurnal_id,
        "quantity": exact_number(line.quantity),
        "rate": exact_number(line.rate),
    }
    if line.tax_name is not None:
        fields["line_tax_id"] = ids[Need("tax", line.tax_name)].jurnal_id
    if line.description is not None:
        fields["description"] = plain(line.description)
    return fields


def _payment_method(command: ReceivePayment, ids: ResolvedIds) -> Fields:
    """Name the payment method where Jurnal has none of that name: it makes one."""
    known = ids.get(Need("payment_method", command.payment_method))
    return {"payment_method_name": command.payment_method} if known is None else {"payment_method_id": known.jurnal_id}


def _payment(command: ReceivePayment, command_id: str, ids: ResolvedIds) -> Fields:
    return {
        "transaction_date": command.transaction_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "memo": memo(command, command_id, command.transaction_id),
        "records_attributes": [{"transaction_no": command.invoice_no, "amount": exact_number(command.amount)}],
        **_payment_method(command, ids),
        "deposit_to_id": ids[Need("account", command.account)].jurnal_id,
        "is_draft": False,
    }


def _transfer(command: TransferStock, command_id: str, ids: ResolvedIds) -> Fields:
    lines = [
        {"product_name": ids[Need("product", line.product_code)].name, "quantity": exact_number(line.quantity)}
        for line in command.lines
    ]
    return {
        "transaction_date": command.transaction_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "memo": memo(command, command_id, f"{command.adjustment_id}{'.back' if command.is_return else ''}"),
        "from_warehouse_id": ids[Need("warehouse", command.from_warehouse)].jurnal_id,
        "to_warehouse_id": ids[Need("warehouse", command.to_warehouse)].jurnal_id,
        "warehouse_transfer_lines_attributes": lines,
    }


def _adjustment(command: AdjustStock, command_id: str, ids: ResolvedIds) -> Fields:
    return {
        "stock_adjustment_type": "General",
        # Stock In/Out: the difference counts. A count would undo whatever was sold since.
        "maintain_actual": False,
        "date": command.transaction_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "memo": memo(command, command_id, command.adjustment_id),
        "warehouse_id": ids[Need("warehouse", command.warehouse)].jurnal_id,
        "account_name": ids[Need("account", command.account)].name,
        "lines_attributes": [_stock_change(line, ids) for line in command.lines],
    }


def _stock_change(line: StockChange, ids: ResolvedIds) -> Fields:
    fields: Fields = {
        "product_name": ids[Need("product", line.product_code)].name,
        "difference": exact_number(line.quantity),
    }
    if line.price is not None:
        fields |= {"use_custom_average_price": True, "average_price": exact_number(line.price)}
    return fields


def _deposit(command: DepositPayout, command_id: str, ids: ResolvedIds) -> Fields:
    across = ids[Need("account", command.clearing_account)].name
    return {
        "deposit_to_name": ids[Need("account", command.account)].name,
        **_payout_fields(command, command_id, ids),
        "transaction_account_lines_attributes": [_account_line(across, command, credit=command.amount)],
    }


def _withdrawal(command: WithdrawPayoutFee, command_id: str, ids: ResolvedIds) -> Fields:
    across = ids[Need("account", command.fee_account)].name
    return {
        "refund_from_name": ids[Need("account", command.clearing_account)].name,
        **_payout_fields(command, command_id, ids),
        "transaction_account_lines_attributes": [_account_line(across, command, debit=command.amount)],
    }


def _payout_fields(command: DepositPayout | WithdrawPayoutFee, command_id: str, ids: ResolvedIds) -> Fields:
    return {
        "person_name": ids[Need("contact", command.contact)].name,
        "transaction_date": command.transaction_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "memo": memo(command, command_id, command.reference_id),
    }


def _account_line(account: str, command: DepositPayout | WithdrawPayoutFee, **side: Decimal) -> Fields:
    amounts = {name: exact_number(amount) for name, amount in side.items()}
    return {"account_name": account, "description": plain(f"iSeller {command.reference_id}"), **amounts}
