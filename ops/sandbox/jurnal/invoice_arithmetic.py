"""What a sales invoice adds up to, exactly. Rates and discounts in percent, amounts in IDR.

With prices that include tax every rate is taken apart first and the same arithmetic follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ops.sandbox.jurnal.records import ZERO
from ops.sandbox.jurnal.shapes import half_up

PERCENT, VALUE = "Percent", "Value"


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedLine:
    """Quantity at a rate, less a discount in percent; tax_rate is 0 without tax."""

    quantity: Fraction
    rate: Fraction
    discount: Fraction = ZERO
    tax_rate: Fraction = ZERO


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What holds for the whole invoice; the units of a Value are IDR, of a Percent percent."""

    discount_type: str = PERCENT
    discount_unit: Fraction = ZERO
    shipping_price: Fraction = ZERO
    witholding_type: str | None = None
    witholding_value: Fraction = ZERO
    tax_after_discount: bool = True
    tax_inclusive: bool = False
    tax_decimals: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LineAmounts:
    """A line as shown (amount) and as posted (gross before discounts, discount, net, tax)."""

    amount: Fraction
    gross: Fraction
    discount: Fraction
    tax: Fraction

    @property
    def net(self) -> Fraction:
        """Return gross less the line's own discount."""
        return self.gross - self.discount


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """The sums of an invoice."""

    lines: tuple[LineAmounts, ...]
    subtotal: Fraction
    discount_per_lines: Fraction
    discount_price: Fraction
    tax_amount: Fraction
    shipping_price: Fraction
    original_amount: Fraction
    witholding_amount: Fraction

    @property
    def due(self) -> Fraction:
        """Return what the customer owes: the total less what is withheld."""
        return self.original_amount - self.witholding_amount


def added_up(lines: Sequence[PricedLine], conditions: Conditions) -> Amounts:
    """Add an invoice up."""
    gross = [_gross(line, inclusive=conditions.tax_inclusive) for line in lines]
    discounts = [amount * line.discount / 100 for amount, line in zip(gross, lines, strict=True)]
    subtotal, line_discounts = sum(gross, ZERO), sum(discounts, ZERO)
    net = subtotal - line_discounts
    percent = conditions.discount_type == PERCENT
    header = net * conditions.discount_unit / 100 if percent else conditions.discount_unit
    kept = 1 - header / net if conditions.tax_after_discount and net else Fraction(1)
    priced = tuple(
        LineAmounts(
            amount=line.quantity * line.rate * (1 - line.discount / 100),
            gross=amount,
            discount=discount,
            tax=_rounded((amount - discount) * kept * line.tax_rate / 100, conditions.tax_decimals),
        )
        for line, amount, discount in zip(lines, gross, discounts, strict=True)
    )
    tax = sum((line.tax for line in priced), ZERO)
    withheld = conditions.witholding_value
    if (conditions.witholding_type or PERCENT).capitalize() == PERCENT:
        withheld = (net - header) * withheld / 100
    return Amounts(
        lines=priced,
        subtotal=subtotal,
        discount_per_lines=line_discounts,
        discount_price=header,
        tax_amount=tax,
        shipping_price=conditions.shipping_price,
        original_amount=net - header + tax + conditions.shipping_price,
        witholding_amount=withheld,
    )


def _gross(line: PricedLine, *, inclusive: bool) -> Fraction:
    """Return quantity times rate, without the tax it may include."""
    amount = line.quantity * line.rate
    return amount / (1 + line.tax_rate / 100) if inclusive else amount


def _rounded(tax: Fraction, decimals: int | None) -> Fraction:
    return tax if decimals is None else half_up(tax, decimals)
