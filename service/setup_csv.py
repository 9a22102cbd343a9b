"""Mappings in bulk as CSV: outlets, payments, and the sales account of each product. Pure.

The first row names the columns. Rows add to what stands and change it; nothing is taken away. UTF-8 with or without a
byte order mark, columns parted by comma or semicolon, as spreadsheets write them.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Literal, assert_never

import msgspec

from eventstore.facts.settings import (
    ChannelMapped,
    Mapping,
    OutletMapped,
    PaymentMapping,
    SalesAccountsMapped,
    StoreConnected,
)
from service.setup_error import SetupError
from service.setup_ledger import KnownSettings

Table = Literal["outlets", "payments", "products"]
COLUMNS: dict[Table, tuple[str, ...]] = {
    "outlets": ("outlet_id", "outlet_name", "warehouse", "payout_account", "mdr_account", "time_zone"),
    "payments": ("scope", "gateway", "payment_type_name", "account", "payment_method"),
    "products": ("scope", "sku", "account"),
}
_REQUIRED: dict[Table, tuple[str, ...]] = {
    "outlets": ("outlet_id", "outlet_name", "warehouse"),
    "payments": ("gateway", "account"),
    "products": ("sku", "account"),
}
_KEYS: dict[Table, tuple[str, ...]] = {
    "outlets": ("outlet_id",),
    "payments": ("scope", "gateway", "payment_type_name"),
    "products": ("scope", "sku"),
}
_ROWS_MAX = 100_000


class CsvRow(msgspec.Struct, frozen=True):
    """One row: its line in the file, and its cells by column, without what is empty."""

    line: int
    cells: dict[str, str]

    def get(self, column: str) -> str | None:
        """Return a cell; None if it is empty."""
        return self.cells.get(column)


def read_rows(text: str, table: Table) -> list[CsvRow]:
    """Read a CSV text. Raises `SetupError` with line and column of everything that is wrong."""
    first = text.removeprefix("\ufeff").partition("\n")[0]
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";" if ";" in first else ",")
    header = [name.strip() for name in next(lines, [])]
    columns = COLUMNS[table]
    if problems := list(_header_problems(header, columns, _REQUIRED[table])):
        raise SetupError("\n".join(f"line 1: {problem}" for problem in problems))
    rows: list[CsvRow] = []
    problems = []
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                problems.append(f"line {lines.line_num}: has {len(cells)} columns, the first row has {len(header)}")
                continue
            rows.append(CsvRow(lines.line_num, {name: cell for name, cell in zip(header, cells, strict=True) if cell}))
    except csv.Error as error:
        problems.append(f"line {lines.line_num}: {error}")
    problems += _row_problems(rows, table)
    if problems:
        raise SetupError("\n".join(problems))
    return rows


def mappings_of(rows: Sequence[CsvRow], table: Table, known: KnownSettings) -> list[Mapping]:
    """Return the settings that rows make of those that stand. Raises `SetupError` with line and column."""
    match table:
        case "outlets":
            return [_outlet(row, known) for row in rows]
        case "payments":
            return _with_payments(rows, known)
        case "products":
            return _with_products(rows, known)
        case _:
            assert_never(table)


def written(table: Table, known: KnownSettings) -> str:
    """Return what stands as the CSV that `read_rows` reads."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(COLUMNS[table])
    writer.writerows([value or "" for value in values] for values in _values(table, known))
    return target.getvalue()


def _values(table: Table, known: KnownSettings) -> Iterator[tuple[str | None, ...]]:
    match table:
        case "outlets":
            for _, outlet in sorted(known.outlets.items()):
                yield tuple(getattr(outlet, column) for column in COLUMNS["outlets"])
        case "payments":
            for scope in ("", *sorted(known.outlets), *sorted(known.channels)):
                for payment in _payments_at(scope, known):
                    yield (scope, *(getattr(payment, column) for column in COLUMNS["payments"][1:]))
        case "products":
            for scope, mapped in sorted(known.sales_accounts.items()):
                yield from ((scope, sku, account) for sku, account in sorted(mapped.products.items()))
        case _:
            assert_never(table)


def _header_problems(header: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> Iterator[str]:
    for name in header:
        if name not in columns:
            yield f"column {name!r} is unknown; the first row may name {', '.join(columns)}"
    for name in required:
        if name not in header:
            yield f"column {name} is missing; add it to the first row"
    if len(set(header)) < len(header):
        yield "a column stands there twice; keep one of them"


def _row_problems(rows: Sequence[CsvRow], table: Table) -> Iterator[str]:
    seen: dict[tuple[str, ...], int] = {}
    if len(rows) > _ROWS_MAX:
        yield f"line {rows[_ROWS_MAX].line}: a file may have {_ROWS_MAX} rows; split it"
    for row in rows:
        for column in _REQUIRED[table]:
            if not (row.get(column) or "").strip():
                yield f"line {row.line}, column {column}: is empty; fill it in"
        for column, cell in row.cells.items():
            if cell != cell.strip() or not cell.isprintable():
                yield f"line {row.line}, column {column}: {cell!r} has white space around it or control characters"
        key = tuple(_compared(column, row.get(column) or "") for column in _KEYS[table])
        if (first := seen.setdefault(key, row.line)) != row.line:
            yield f"line {row.line}, column {_KEYS[table][-1]}: the same as line {first}; keep one of them"


def _compared(column: str, cell: str) -> str:
    return cell.lower() if column == "gateway" else cell


def _outlet(row: CsvRow, known: KnownSettings) -> OutletMapped:
    outlet_id = row.cells["outlet_id"]
    mapped = known.outlets.get(outlet_id)
    return OutletMapped(
        outlet_id=outlet_id,
        outlet_name=row.cells["outlet_name"],
        warehouse=row.cells["warehouse"],
        payout_account=row.get("payout_account"),
        mdr_account=row.get("mdr_account"),
        time_zone=row.get("time_zone"),
        payments=mapped.payments if mapped else (),
    )


def _with_payments(rows: Sequence[CsvRow], known: KnownSettings) -> list[Mapping]:
    _check_scopes(rows, known)
    changed: dict[str, dict[tuple[str, str | None], PaymentMapping]] = {}
    for row in rows:
        scope = row.get("scope") or ""
        standing = {(each.gateway, each.payment_type_name): each for each in _payments_at(scope, known)}
        payment = PaymentMapping(
            gateway=row.cells["gateway"].lower(),
            account=row.cells["account"],
            payment_type_name=row.get("payment_type_name"),
            payment_method=row.get("payment_method"),
        )
        changed.setdefault(scope, standing)[payment.gateway, payment.payment_type_name] = payment
    return [
        msgspec.structs.replace(_place(scope, known), payments=tuple(payments.values()))
        for scope, payments in changed.items()
    ]


def _with_products(rows: Sequence[CsvRow], known: KnownSettings) -> list[Mapping]:
    _check_scopes(rows, known)
    changed: dict[str, dict[str, str]] = {}
    for row in rows:
        scope = row.get("scope") or ""
        mapped = known.sales_accounts.get(scope)
        changed.setdefault(scope, dict(mapped.products if mapped else {}))[row.cells["sku"]] = row.cells["account"]
    return [
        msgspec.structs.replace(known.sales_accounts.get(scope) or SalesAccountsMapped(scope=scope), products=products)
        for scope, products in changed.items()
    ]


def _check_scopes(rows: Sequence[CsvRow], known: KnownSettings) -> None:
    places = {"", *known.outlets, *known.channels}
    problems = [
        f"line {row.line}, column scope: no outlet or channel {row.get('scope')!r} is mapped; map it first, or leave"
        " the scope empty for the whole store"
        for row in rows
        if (row.get("scope") or "") not in places
    ]
    if problems:
        raise SetupError("\n".join(problems))


def _payments_at(scope: str, known: KnownSettings) -> tuple[PaymentMapping, ...]:
    return _place(scope, known).payments


def _place(scope: str, known: KnownSettings) -> StoreConnected | OutletMapped | ChannelMapped:
    if not scope:
        assert known.connection is not None
        return known.connection
    return known.outlets[scope] if scope in known.outlets else known.channels[scope]
