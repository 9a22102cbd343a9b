"""The attributes of what is given back: returns, credit memos, and what credit memos are used for.

Returns, refunds and applications have no key in their documented bodies: the identity stands in a return's memo and in
a refund's line, and an application has no place for it at all.
"""

from typing import Any

from projections.jurnal_commands.commands import ApplyCredit, IssueCreditMemo, RefundCredit, ReturnSale
from service.jurnal.marks import line_mark, memo
from service.jurnal.needs import Need, ResolvedIds, buyer
from service.jurnal.resources import number_of
from service.jurnal.standing import Standing
from service.jurnal.wording import exact_number

Fields = dict[str, Any]


def sales_return(command: ReturnSale, command_id: str, ids: ResolvedIds, standing: Standing) -> Fields:
    """Return goods of an invoice's lines."""
    assert standing.invoice is not None, "a return is sent for a known invoice"
    return {
        "transaction_date": command.transaction_date.isoformat(),
        "invoice_id": standing.invoice.jurnal_id,
        "warehouse_id": ids[Need("warehouse", command.warehouse)].jurnal_id,
        "memo": memo(command, command_id, command.return_id),
        "transaction_return_lines_attributes": [
            {"transaction_line_id": line.line_id, "return_quantity": exact_number(line.quantity)}
            for line in standing.lines_back
        ],
    }


def credit_memo(command: IssueCreditMemo, command_id: str, ids: ResolvedIds) -> Fields:
    """Return a credit memo of one line, which a customer's has on the debit side."""
    line = {
        "account_name": ids[Need("account", command.account)].name,
        "description": line_mark(command, command_id),
        "debit": exact_number(command.amount),
    }
    return {
        "person_id": ids[buyer(command)].jurnal_id,
        "person_type": "customer",
        "transaction_date": command.transaction_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "memo": memo(command, command_id, command.credit_id),
        "transaction_account_lines_attributes": [line],
    }


def refund(command: RefundCredit, command_id: str, ids: ResolvedIds, standing: Standing) -> Fields:
    """Return money paid out of a credit memo."""
    assert standing.credit is not None, "a refund is sent for a known credit memo"
    line = {
        "credit_memo_id": standing.credit.jurnal_id,
        "refund_amount": exact_number(command.amount),
        "description": line_mark(command, command_id),
    }
    return {
        "person_id": standing.credit.person_id,
        "transaction_date": command.transaction_date.isoformat(),
        "refund_from_id": ids[Need("account", command.account)].jurnal_id,
        "credit_memo_refund_lines_attributes": [line],
    }


def application(command: ApplyCredit, standing: Standing) -> Fields:
    """Return a credit memo used for an invoice. Jurnal dates it by itself."""
    assert standing.credit is not None, "a credit is applied out of a known credit memo"
    assert standing.invoice is not None, "a credit is applied to a known invoice"
    return {
        "person_id": standing.credit.person_id,
        "selected_credit_memo_id": standing.credit.jurnal_id,
        "records_attributes": [{"transaction_id": standing.invoice.jurnal_id, "amount": exact_number(command.amount)}],
    }
