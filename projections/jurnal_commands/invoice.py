"""From an order to invoice lines whose total is iSeller's total, to the rupiah. Pure arithmetic, exact decimals.

The rule is written down in README.md beside this file.
"""

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from hashlib import sha256

import msgspec

from eventstore.facts.reports.orders import OrderLine, OrderReport
from projections.changes.settings import Place, StoreSettings
from projections.jurnal_commands.commands import InvoiceLine
from projections.jurnal_commands.invoice_drawn import Drawn, DrawnLine, NotDrawable

_WHOLE = Decimal(1)
_CENT = Decimal("0.01")
_ZERO = Decimal(0)
# What an order tells that is no matter of its invoice.
_NO_CONTENT = (
    "status", "payment_status", "fulfillment_status", "closed_date", "cancel_date", "cancel_reason", "on_account",
    "remaining_on_account", "remaining_on_accoun", "transactions", "refunded_orders", "customer_first_name",
    "customer_last_name", "external_customer_id", "customer_id", "register_id", "order_reference", "order_date",
    "outlet_id", "outlet_code", "outlet_name", "channel", "channel_detail",
)  # fmt: skip


def draw_invoice(order: OrderReport, settings: StoreSettings, place: Place) -> Drawn | NotDrawable:  # noqa: ARG001
    """Draw the invoice of a completed order that is mapped by `place`."""
    connection = settings.connection
    assert connection is not None
    taxes = {tax.percentage: tax.tax_name for tax in connection.taxes}
    lines = order.order_details or ()
    if (refusal := _refusal(order, lines, taxes)) is not None:
        return refusal
    nets = line_nets(order)
    if any(net < 0 for net in nets):
        return NotDrawable("The order's discounts exceed its prices", "Check the order's discounts in iSeller")
    drawn: list[DrawnLine] = []
    tax_total = _ZERO
    taxed_lines = 0
    for line, net in zip(lines, nets, strict=True):
        tax_name = None
        if (percentage := tax_percentage(line)) > 0:
            tax_name = taxes[percentage_text(percentage)]
            taxed_lines += 1
        pieces = _split(line, net, tax_name)
        # Of what is sent, not of `net`: Jurnal computes its tax from quantity and rate.
        tax_total += sum((piece.quantity * piece.rate for piece in pieces), _ZERO) * percentage / 100
        drawn += [DrawnLine(line.order_detail_id or "", line.product_id or "", percentage, piece) for piece in pieces]
    if connection.tax_decimals is not None:
        tax_total = tax_total.quantize(Decimal(1).scaleb(-connection.tax_decimals), ROUND_HALF_UP)
    net_total = sum((piece.line.quantity * piece.line.rate for piece in drawn), _ZERO)
    total = order.total_amount
    assert total is not None
    remainder = total - net_total - tax_total
    expected = order.rounding_amount or _ZERO
    if abs(remainder - expected) > max(taxed_lines, 1) * _WHOLE:
        return NotDrawable(
            f"iSeller says the total is Rp {total:f}, "
            f"its lines, taxes and rounding give Rp {net_total + tax_total + expected:f}",
            "Compare the order's lines with its total in iSeller; charges and shipping are not booked yet",
        )
    if remainder > 0:
        rounding = InvoiceLine(product_code=connection.rounding_product_code, quantity=_WHOLE, rate=remainder)
        drawn.append(DrawnLine("", "", _ZERO, rounding))
    return Drawn(tuple(drawn), max(-remainder, _ZERO), remainder=remainder - expected)


def content_of(order: OrderReport) -> str:
    """Return a digest (16 hex digits) of all that an edit of the order could change in Jurnal."""
    told = msgspec.structs.replace(order, **dict.fromkeys(_NO_CONTENT))
    return sha256(msgspec.json.encode(told)).hexdigest()[:16]


def line_nets(order: OrderReport) -> list[Decimal]:
    """Return each line's net: its gross less its own discounts and its share of the order's, without included tax."""
    lines = order.order_details or ()
    own = [_own_discount(line) for line in lines]
    before = [
        (line.quantity or _ZERO) * (line.base_price or _ZERO) - discount
        for line, discount in zip(lines, own, strict=True)
    ]
    order_level = (order.total_discount_amount or _ZERO) + (order.total_promotion_amount or _ZERO) - sum(own, _ZERO)
    nets = [value - share for value, share in zip(before, share_out(order_level, before), strict=True)]
    if not order.tax_inclusive:
        return nets
    return [
        (net * 100 / (100 + tax_percentage(line))).quantize(_CENT, ROUND_HALF_UP)
        for line, net in zip(lines, nets, strict=True)
    ]


def share_out(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Share `amount` over `weights` in whole rupiah by largest remainder (ties: the first); it adds up exactly.

    In hundredths if `amount` is not whole, or if a whole share would exceed its weight.
    """
    total = sum(weights, _ZERO)
    if amount == 0 or total == 0:
        return [_ZERO] * len(weights)
    if amount == amount.to_integral_value():
        shares = _by_largest_remainder(amount, weights, total, _WHOLE)
        if all(share <= weight for share, weight in zip(shares, weights, strict=True)):
            return shares
    return _by_largest_remainder(amount, weights, total, _CENT)


def _by_largest_remainder(amount: Decimal, weights: list[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    exact = [amount * weight / total for weight in weights]
    shares = [value.quantize(unit, ROUND_FLOOR) for value in exact]
    missing = int((amount - sum(shares, _ZERO)) / unit)
    by_remainder = sorted(range(len(weights)), key=lambda index: (shares[index] - exact[index], index))
    for index in by_remainder[:missing]:
        shares[index] += unit
    return shares


def tax_percentage(line: OrderLine) -> Decimal:
    """Return the line's tax rate in percent, 0 when it is not taxed."""
    return (line.tax_percentage or _ZERO) if line.taxable is not False else _ZERO


def percentage_text(percentage: Decimal) -> str:
    """Write a percentage the way tax mappings name it: 11, 10.5."""
    return format(percentage.normalize(), "f")


def _own_discount(line: OrderLine) -> Decimal:
    promotions = sum((promotion.promotion_amount or _ZERO for promotion in line.promotions or ()), _ZERO)
    return (line.discount_amount or _ZERO) + promotions


def _split(line: OrderLine, net: Decimal, tax_name: str | None) -> list[InvoiceLine]:
    """Return one line, or two whose rates differ by one unit, so that quantity times rate is exactly `net`."""
    code, quantity = (line.sku or "").strip(), line.quantity or _ZERO
    unit = _WHOLE if net == net.to_integral_value() else _CENT
    if quantity != quantity.to_integral_value():
        # A weighed quantity seldom divides evenly; what is left goes to the rounding line.
        rate = (net / quantity).quantize(_CENT, ROUND_FLOOR)
        return [InvoiceLine(product_code=code, quantity=quantity, rate=rate, tax_name=tax_name)]
    rate, higher = divmod((net / unit).to_integral_value(ROUND_FLOOR), quantity)
    pieces = ((higher, (rate + 1) * unit), (quantity - higher, rate * unit))
    return [
        InvoiceLine(product_code=code, quantity=pieces_quantity, rate=piece_rate, tax_name=tax_name)
        for pieces_quantity, piece_rate in pieces
        if pieces_quantity > 0
    ]


def _refusal(order: OrderReport, lines: tuple[OrderLine, ...], taxes: dict[str, str]) -> NotDrawable | None:
    for number, line in enumerate(lines, start=1):
        if not (line.sku or "").strip():
            return NotDrawable(
                f"Line {number} ({line.product_name or 'without a name'}) has no SKU",
                "Give the product a SKU in iSeller and the same code in Jurnal",
            )
        if (line.quantity or _ZERO) <= 0 or line.base_price is None:
            return NotDrawable(f"Line {number} ({line.sku}) has no quantity or price", "Check the line in iSeller")
        percentage = tax_percentage(line)
        if percentage > 0 and percentage_text(percentage) not in taxes:
            return NotDrawable(
                f"No Jurnal tax is mapped for {percentage_text(percentage)} %",
                "Map this tax rate in the store's set-up",
            )
    if (order.currency or "IDR").upper() != "IDR":
        return NotDrawable(f"The order is in {order.currency}", "Only orders in IDR can be booked")
    return None
