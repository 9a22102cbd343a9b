"""Saying in words how one thing of a document differs from what was asked for; nothing where it does not."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from service.jurnal.reading import Record, block_of, read_decimal, text_of

# Jurnal may keep fewer decimals than we send; it never keeps less than a cent.
AMOUNT_DIFFERENCE_IDR_MAX = Decimal("0.01")


def quantity_differences(wanted: list[tuple[str, Decimal]], rows: list[Record], field: str) -> Iterator[str]:
    """Compare quantities by product code, or their sum where a product of the answer shows no code."""
    codes = [(text_of(block_of(row, "product"), "code") or "").strip() for row in rows]
    by_code = all(codes) and bool(rows)
    asked = summed((code.strip() if by_code else "", quantity) for code, quantity in wanted)
    found = summed(
        (code or "" if by_code else "", read_decimal(row.get(field)) or Decimal(0))
        for code, row in zip(codes, rows, strict=True)
    )
    for code in sorted({*asked, *found}):
        what = f"{field} of {code}" if code else field
        yield from amount_differs(what, asked.get(code, Decimal(0)), found.get(code, Decimal(0)))


def summed(quantities: Iterator[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Add up by name."""
    sums: dict[str, Decimal] = {}
    for code, quantity in quantities:
        sums[code] = sums.get(code, Decimal(0)) + quantity
    return sums


def differs(what: str, wanted: object, found: object) -> Iterator[str]:
    """Compare values as they are."""
    if wanted != found:
        yield f"{what} is {'missing' if found is None else found}, not {wanted}"


def amount_differs(what: str, wanted: Decimal, found: Any) -> Iterator[str]:
    """Compare amounts or quantities."""
    read = read_decimal(found)
    if read is None or abs(read - wanted) > AMOUNT_DIFFERENCE_IDR_MAX:
        yield f"{what} is {'missing' if read is None else read}, not {wanted}"


def name_differs(stem: str, wanted: str, record: Record) -> Iterator[str]:
    """Compare the name in a block; letter case is not Jurnal's to tell apart, and Unassigned is told without a name."""
    block = block_of(record, stem)
    found = text_of(block, "name") or ("Unassigned" if block.get("id") == -1 else None)
    if found is None or found.casefold() != wanted.casefold():
        yield f"{stem} is {found or 'missing'}, not {wanted}"
