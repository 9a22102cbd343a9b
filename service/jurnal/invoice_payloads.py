"""The attributes of a sales invoice: a new one, and one that is given other content."""

from collections.abc import Mapping
from typing import Any

from projections.jurnal_commands.commands import BookInvoice, InvoiceLine, UpdateInvoice
from service.jurnal.marks import memo
from service.jurnal.needs import Need, ResolvedIds, buyer, deposit_need
from service.jurnal.resources import number_of
from service.jurnal.standing import LineNow, Standing
from service.jurnal.wording import exact_number, plain

Fields = dict[str, Any]


def invoice(command: BookInvoice, command_id: str, ids: ResolvedIds) -> Fields:
    """Return a new invoice."""
    fields: Fields = {
        "transaction_date": command.transaction_date.isoformat(),
        "due_date": command.due_date.isoformat(),
        "transaction_no": number_of(command, command_id),
        "custom_id": command_id,
        "reference_no": plain(command.order_reference),
        "memo": memo(command, command_id, command.order_id, command.deposit_method),
        "person_id": ids[buyer(command)].jurnal_id,
        "warehouse_name": ids[Need("warehouse", command.warehouse)].name,
        "use_tax_inclusive": False,
        # Header discount rounds the total down; it must not touch the tax, which the lines' nets determine.
        "tax_after_discount": command.header_discount <= 0,
        "transaction_lines_attributes": [_line(line, ids) for line in command.lines],
    }
    if command.header_discount > 0:
        fields |= {"discount_type_name": "value", "discount_unit": exact_number(command.header_discount)}
    for account in deposit_need(command):
        fields |= {"deposit": exact_number(command.deposit), "deposit_to_name": ids[account].name}
    if command.deposit_method:
        # Jurnal keeps a tag that it has, and drops one that it does not.
        fields["tags"] = [plain(command.deposit_method)]
    return fields


def changed_invoice(command: UpdateInvoice, command_id: str, ids: ResolvedIds, standing: Standing) -> Fields:
    """Return the whole of an invoice in its new form: a change replaces what was there.

    Its number stays as Jurnal has it, and its memo tells which change it went through last.
    """
    assert standing.invoice is not None, "a change is sent with its invoice's lines"
    content = command.content
    return {
        # What the new content has not must be taken away, not left out.
        "discount_type_name": "value",
        "discount_unit": 0,
        "deposit": 0,
        **invoice(content, command.invoice, ids),
        "transaction_no": standing.invoice.number,
        "memo": memo(command, command_id, content.order_id, content.deposit_method),
        "transaction_lines_attributes": _changed_lines(content.lines, standing.invoice.lines, ids),
    }


def _changed_lines(lines: tuple[InvoiceLine, ...], before: tuple[LineNow, ...], ids: ResolvedIds) -> list[Fields]:
    """Give lines the ids of those they take the place of; what is left over goes.

    Whether Jurnal keeps lines that a change does not name is not certain, so that every line is named.
    """
    left = list(before)
    rows = []
    for line in lines:
        row = {"description": "", "discount": 0, **_line(line, ids)}
        taken = next((known for known in left if _same_line(known, row)), None)
        if taken is not None:
            left.remove(taken)
            row = {"id": taken.line_id, **row}
        rows.append(row)
    return [*rows, *({"id": known.line_id, "_destroy": True} for known in left)]


def _same_line(known: LineNow, row: Mapping[str, Any]) -> bool:
    return (known.product_id, known.tax_id) == (row["product_id"], row.get("line_tax_id"))


def _line(line: InvoiceLine, ids: ResolvedIds) -> Fields:
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
