"""The account lines of bank documents and journal entries."""

from collections.abc import Collection, Iterable
from fractions import Fraction
from typing import Literal

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.accounts import shown_account
from ops.sandbox.jurnal.errors import BLANK, POSITIVE, invalid
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_answers import NO_TAX
from ops.sandbox.jurnal.records import ZERO, AccountLine
from ops.sandbox.jurnal.resource import Json, R, Resource
from ops.sandbox.jurnal.shapes import currency, decimal_string, number

Side = Literal["debit", "credit"]


def read_lines(
    resource: Resource[R], fields: Fields, sides: Iterable[Side], known: Iterable[AccountLine] = ()
) -> tuple[AccountLine, ...]:
    """Read the lines of a document that may use the given sides; an unknown account answers 422.

    A line may name one of the `known` lines by its id, which it then keeps.
    """
    rows = read.rows(fields, "transaction_account_lines_attributes", "transaction_account_lines")
    ids = {line.id for line in known}
    kept = (row for row in rows if not read.flag(row, "_destroy", default=False))
    lines = tuple(_read_line(resource, row, tuple(sides), ids) for row in kept)
    if not lines:
        raise invalid({"transaction_account_lines": BLANK})
    return lines


def _read_line(resource: Resource[R], row: Fields, sides: tuple[Side, ...], ids: Collection[int]) -> AccountLine:
    account = resource.reference(resource.company.accounts, row, "account", "{} not exist")
    if account is None or account.is_parent:
        raise invalid({"account_name": "Account not exist"}, ["Account not exist"])
    sums: dict[str, Fraction] = {side: read.amount(row, side) or ZERO for side in sides}
    if any(amount < 0 for amount in sums.values()) or not any(sums.values()):
        raise invalid({sides[0]: POSITIVE})
    return AccountLine(
        id=resource.line_id(row, ids, "transaction_account_lines"),
        account=account,
        description=read.text(row, "description"),
        debit=sums.get("debit", ZERO),
        credit=sums.get("credit", ZERO),
        tax=resource.reference(resource.company.taxes, row, "line_tax", "{} not exist"),
    )


def line_tax(line: AccountLine) -> Fraction:
    """Return the tax on a line, exactly."""
    return ZERO if line.tax is None else (line.debit + line.credit) * line.tax.rate / 100


def shown_line(line: AccountLine) -> Json:
    """Return a line as a journal entry shows it."""
    return {
        "id": line.id,
        "description": line.description,
        "debit": number(line.debit),
        "credit": number(line.credit),
        "credit_currency_format": currency(line.credit),
        "debit_currency_format": currency(line.debit),
        "account": shown_account(line.account),
    }


def shown_taxed_line(line: AccountLine) -> Json:
    """Return a line as a bank document shows it."""
    tax = line.tax
    nothing = {"id": None, "transaction_no": None, "original_amount": 0, "remaining": 0}
    return shown_line(line) | {
        "line_tax": NO_TAX if tax is None else {"id": tax.id, "name": tax.name, "rate": decimal_string(tax.rate)},
        "expense": nothing | {"original_amount_currency_format": "0,00", "remaining_currency_format": "0,00"},
    }


def tax_details(lines: Iterable[AccountLine]) -> list[Json]:
    """Return one row per tax on the lines, named with its rate."""
    sums: dict[str, Fraction] = {}
    for line in lines:
        if line.tax is not None:
            name = f"{line.tax.name} {decimal_string(line.tax.rate)}%"
            sums[name] = sums.get(name, ZERO) + line_tax(line)
    return [
        {"name": name, "tax_amount": number(tax), "tax_amount_currency_format": currency(tax)}
        for name, tax in sums.items()
    ]
