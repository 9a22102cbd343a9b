"""What is sent to Jurnal for a command. Pure: the same command and look-ups make the same bytes.

Jurnal drops attributes it does not know without a word, so only documented ones stand here; ids where it documents
them, Jurnal's own names elsewhere.
"""

from decimal import Decimal
from typing import Any, assert_never

import msgspec

from projections.jurnal_commands.commands import (
    AdjustStock,
    ApplyCredit,
    BookInvoice,
    Command,
    CreateCustomer,
    CreateProduct,
    DeleteDuplicate,
    DeleteInvoice,
    DepositPayout,
    IssueCreditMemo,
    PostJournal,
    ReceivePayment,
    RefundCredit,
    ReturnSale,
    StockChange,
    TransferStock,
    UpdateInvoice,
    WithdrawPayoutFee,
)
from service.jurnal import credit_payloads, invoice_payloads
from service.jurnal.exchange import JurnalRequest
from service.jurnal.marks import customer_mark, memo
from service.jurnal.needs import Need, ResolvedIds
from service.jurnal.resources import customer_key, number_of, probe_for, resource_of
from service.jurnal.standing import NOTHING_STANDS, Standing
from service.jurnal.wording import email_or_none, exact_number, phone_or_none, plain

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
Fields = dict[str, Any]


class PersonNames(msgspec.Struct, frozen=True, kw_only=True):
    """The unsealed names of a customer. They are sent and never stored or logged."""

    first: str | None = None
    last: str | None = None
    phone: str | None = None
    email: str | None = None

    def __repr__(self) -> str:
        return "PersonNames(sealed)"


def request_for(
    command: Command,
    command_id: str,
    ids: ResolvedIds,
    person: PersonNames | None = None,
    standing: Standing = NOTHING_STANDS,
) -> JurnalRequest:
    """Return the request that carries out a command.

    `ids` answers all of `needed`, `person` is for a customer, `standing` for a command about an earlier document.
    """
    if isinstance(command, (DeleteInvoice, DeleteDuplicate)):
        return JurnalRequest(method="DELETE", path=probe_for(command, command_id).path)
    resource = resource_of(command)
    body = _ENCODE({resource.singular: _fields(command, command_id, ids, person, standing)})
    if isinstance(command, UpdateInvoice):
        return JurnalRequest(method="PATCH", path=probe_for(command, command_id).path, body=body)
    return JurnalRequest(method="POST", path=resource.path, body=body)


def _fields(  # noqa: C901, PLR0911, PLR0912 - one branch for each command
    command: Command, command_id: str, ids: ResolvedIds, person: PersonNames | None, standing: Standing
) -> Fields:
    match command:
        case CreateCustomer():
            assert person is not None, "a customer is sent with its unsealed names"
            return _customer(command, command_id, person)
        case CreateProduct():
            return _product(command, command_id, ids)
        case BookInvoice():
            return invoice_payloads.invoice(command, command_id, ids)
        case UpdateInvoice():
            return invoice_payloads.changed_invoice(command, command_id, ids, standing)
        case ReceivePayment():
            return _payment(command, command_id, ids)
        case ReturnSale():
            return credit_payloads.sales_return(command, command_id, ids, standing)
        case IssueCreditMemo():
            return credit_payloads.credit_memo(command, command_id, ids)
        case RefundCredit():
            return credit_payloads.refund(command, command_id, ids, standing)
        case ApplyCredit():
            return credit_payloads.application(command, standing)
        case TransferStock():
            return _transfer(command, command_id, ids)
        case AdjustStock():
            return _adjustment(command, command_id, ids)
        case PostJournal():
            return _journal_entry(command, command_id, ids)
        case DepositPayout():
            return _deposit(command, command_id, ids)
        case WithdrawPayoutFee():
            return _withdrawal(command, command_id, ids)
        case DeleteInvoice() | DeleteDuplicate():
            raise AssertionError("a delete has no body")
        case _:
            assert_never(command)


def _customer(command: CreateCustomer, command_id: str, person: PersonNames) -> Fields:
    first, last = _names(person)
    fields = {
        "display_name": f"{full_name(person) or 'iSeller'} {customer_mark(command)}",
        "first_name": first or None,
        "last_name": last or None,
        "phone": phone_or_none(person.phone),
        "email": email_or_none(person.email),
        "custom_id": customer_key(command, command_id),
    }
    return {key: value for key, value in fields.items() if value is not None}


def full_name(person: PersonNames) -> str:
    """Return a customer's name as it is sent, empty where there is none."""
    return " ".join(filter(None, _names(person)))


def _names(person: PersonNames) -> tuple[str, str]:
    return plain(person.first or "", characters_max=100), plain(person.last or "", characters_max=100)


def _product(command: CreateProduct, command_id: str, ids: ResolvedIds) -> Fields:
    fields: Fields = {
        "name": plain(command.name),
        "product_code": command.product_code,
        "unit_name": plain(command.unit),
        "custom_id": command_id,
        # Texts, as the documented body has them.
        "track_inventory": "true" if command.track_inventory else "false",
        "is_sold": True,
        "sell_price_per_unit": f"{command.sell_price:f}",
        "is_bought": True,
        "buy_price_per_unit": f"{command.buy_price:f}",
    }
    accounts = {
        "sell_account_name": command.sell_account,
        "buy_account_name": command.cost_account,
        "inventory_asset_account_name": command.inventory_account if command.track_inventory else None,
    }
    named = {field: ids[Need("account", account)].name for field, account in accounts.items() if account is not None}
    return fields | named


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


def _journal_entry(command: PostJournal, command_id: str, ids: ResolvedIds) -> Fields:
    return {
        "transaction_date": command.transaction_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "memo": memo(command, command_id, command.journal_id),
        "transaction_account_lines_attributes": [
            {
                "account_name": ids[Need("account", line.account)].name,
                **({"debit": exact_number(line.debit)} if line.debit else {"credit": exact_number(line.credit)}),
            }
            for line in command.lines
        ],
    }


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
