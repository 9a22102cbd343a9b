"""What a return of invoice lines is worth by Jurnal's arithmetic, in exact decimals; which lines goods mean.

A returned quantity gives back its share of the line: of its net, of the header discount (in proportion to the net) and
of the tax. Whatever it is split into, all of an invoice together gives back its total.
"""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

import msgspec

from projections.changes.booking import BookedLine, Booking

_ZERO = Decimal(0)
_CENT = Decimal("0.01")
# Coarser than the digits that a quotient is cut off at, finer than any amount differs by.
_NOISE = Decimal("1e-15")


class Left(msgspec.Struct, frozen=True):
    """What is left of one invoice line: its quantity, and the tax that was not given back yet, IDR."""

    line: BookedLine
    quantity: Decimal
    tax: Decimal


def payable(amount: Decimal) -> Decimal:
    """Return what of an amount can be paid: fractions of a hundredth stay."""
    return amount.quantize(_NOISE).quantize(_CENT, ROUND_FLOOR)


def left_of(booking: Booking, tax_decimals: int | None) -> tuple[Left, ...]:
    """Return what is left of each invoice line after all returns that are planned, in the invoice's order."""
    left = [Left(line, line.quantity, _tax(line, line.quantity, tax_decimals)) for line in booking.lines]
    for credit in booking.credits:
        for returned in credit.lines:
            _take(left, returned, tax_decimals)
    return tuple(left)


def returned_lines(left: tuple[Left, ...], quantities: Mapping[int, Decimal]) -> tuple[BookedLine, ...]:
    """Return what comes back of the lines at these places, as lines of their own."""
    return tuple(
        msgspec.structs.replace(left[place].line, quantity=quantity)
        for place, quantity in sorted(quantities.items())
        if quantity
    )


def worth(
    booking: Booking, left: tuple[Left, ...], quantities: Mapping[int, Decimal], tax_decimals: int | None
) -> Decimal:
    """Return what the quantities of the lines at these places give back, IDR; the last ones give back all the rest."""
    if all(quantities.get(place, _ZERO) == each.quantity for place, each in enumerate(left)):
        given_back = sum((credit.amount for credit in booking.credits if credit.lines), _ZERO)
        return booking.total - given_back
    net = taxes = _ZERO
    for place, quantity in quantities.items():
        each = left[place]
        net += quantity * each.line.rate
        taxes += each.tax if quantity == each.quantity else _tax(each.line, quantity, tax_decimals)
    # Divided once for all lines: shares that are cut off one by one would not add up to what they are together.
    return _after_discount(booking, net) + taxes


def net_of(booking: Booking, line: BookedLine, quantity: Decimal) -> Decimal:
    """Return the net of a quantity of a line less its share of the header discount, IDR."""
    return _after_discount(booking, quantity * line.rate)


def _after_discount(booking: Booking, net: Decimal) -> Decimal:
    if not booking.header_discount:
        return net
    nets = sum((each.quantity * each.rate for each in booking.lines), _ZERO)
    return net - booking.header_discount * net / nets


def _tax(line: BookedLine, quantity: Decimal, decimals: int | None) -> Decimal:
    tax = quantity * line.rate * line.tax / 100
    return tax if decimals is None else tax.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _take(left: list[Left], returned: BookedLine, tax_decimals: int | None) -> None:
    """Take a returned line off what is left; of lines that are alike the first ones go first."""
    quantity = returned.quantity
    for place, each in enumerate(left):
        if msgspec.structs.replace(each.line, quantity=returned.quantity) != returned or not each.quantity:
            continue
        part = min(quantity, each.quantity)
        tax = each.tax if part == each.quantity else _tax(each.line, part, tax_decimals)
        left[place] = Left(each.line, each.quantity - part, each.tax - tax)
        quantity -= part
    assert not quantity, "no more comes back than was sold"
