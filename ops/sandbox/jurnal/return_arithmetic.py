"""What a return gives back: the same share of every amount of the invoice line as of its quantity."""

from fractions import Fraction

from ops.sandbox.jurnal.credit_records import Returned
from ops.sandbox.jurnal.invoice_arithmetic import Amounts
from ops.sandbox.jurnal.records import ZERO
from ops.sandbox.jurnal.shapes import half_up


def given_back(
    amounts: Amounts,
    place: int,
    *,
    quantity: Fraction,
    of_quantity: Fraction,
    tax_left: Fraction | None = None,
    tax_decimals: int | None = None,
) -> Returned:
    """Work out a returned quantity of the line at `place`.

    The header discount and what was withheld count in proportion to the line's net. `tax_left` is all the tax that is
    still to give back when the quantity empties the line, so that rounded parts add up to the tax that was charged.
    """
    line, share = amounts.lines[place], quantity / of_quantity
    net = amounts.subtotal - amounts.discount_per_lines
    of_net = line.net / net if net else ZERO
    tax = line.tax * share
    if tax_decimals is not None:
        tax = half_up(tax, tax_decimals)
    return Returned(
        amount=line.amount * share,
        gross=line.gross * share,
        line_discount=line.discount * share,
        header_discount=amounts.discount_price * of_net * share,
        tax=tax if tax_left is None else tax_left,
        witholding=amounts.witholding_amount * of_net * share,
    )
