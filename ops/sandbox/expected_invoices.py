"""The written rules that make an invoice of an order, for the expected books; exact fractions of a rupiah."""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import floor

import msgspec

from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_order import Order, OrderLine

_CENT = Fraction(1, 100)
_ZERO = Fraction(0)


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the invoice; `tax` in percent. `detail_id`: the order's line, empty for a charge or rounding."""

    detail_id: str
    sku: str
    quantity: Fraction
    rate: Fraction
    tax: Fraction
    account: str
    tax_account: str

    @property
    def net(self) -> Fraction:
        """Quantity times rate."""
        return self.quantity * self.rate

    @property
    def tax_amount(self) -> Fraction:
        """The tax on the net, exact."""
        return self.net * self.tax / 100


class ExpectedInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the invoice must say; `discount` is taken off all of it after tax.

    `given`: discounts that are shown beside it, by the sales account that stands gross of them.
    """

    total: Fraction
    lines: tuple[InvoiceLine, ...]
    discount: Fraction
    given: dict[str, Fraction] = {}

    @property
    def net(self) -> Fraction:
        """All lines without tax, before the discount."""
        return sum((line.net for line in self.lines), _ZERO)


def expected_invoice(scenario: Scenario, order: Order) -> ExpectedInvoice:
    """Net every line of its discounts, its share of the order's, and the tax it includes; tax what is sent exactly."""
    lines = [line for line in order.lines if _stands_on_invoice(scenario, line)]
    dues = _dues(order, lines)
    drawn = [
        piece
        for line, due in zip(lines, dues, strict=True)
        for piece in _drawn(scenario, order, line, _without_tax(scenario, order, line, due))
    ]
    drawn += _charges(scenario, order, lines, drawn)
    total = Fraction(order.total_idr)
    remainder = total - sum((line.net + line.tax_amount for line in drawn), _ZERO)
    if remainder > 0:
        drawn.append(_extra(scenario, scenario.rounding_sku, scenario.accounts.rounding, remainder))
    given: dict[str, Fraction] = defaultdict(Fraction)
    if scenario.mode.discounts == "shown":
        for line, due in zip(lines, dues, strict=True):
            off = _without_tax(scenario, order, line, Fraction(line.gross_idr) - due)
            given[sales_account(scenario, order, line.sku.strip())] += off
    return ExpectedInvoice(
        total=total, lines=tuple(drawn), discount=max(-remainder, _ZERO), given={k: v for k, v in given.items() if v}
    )


def sales_account(scenario: Scenario, order: Order, sku: str) -> str:
    """Return the account that takes the order's sales of a product: the place's word before the product's own."""
    own = scenario.sales_accounts.get(sku, scenario.accounts.sales)
    if own in scenario.liabilities.values():
        return own
    channel = scenario.channel(order.channel, order.channel_detail)
    here = scenario.place_accounts.get(channel.name if channel else order.outlet_code, {})
    return here.get(sku) or here.get("") or own


def shared_out(amount: Fraction, weights: list[Fraction]) -> list[Fraction]:
    """Share in proportion to the weights: largest fractional part first, on a tie the first.

    In whole rupiah, or in hundredths if the amount is not whole or a share would exceed its weight.
    """
    if not amount:
        return [_ZERO] * len(weights)
    if amount.denominator == 1:
        shares = _shared(amount, weights, Fraction(1))
        if all(share <= weight for share, weight in zip(shares, weights, strict=True)):
            return shares
    return _shared(amount, weights, _CENT)


def tax_percentage(scenario: Scenario, line: OrderLine) -> Fraction:
    """Return the line's tax rate in percent, 0 without tax."""
    if not line.taxable:
        return _ZERO
    return Fraction(scenario.tax_percentage if line.tax_percentage is None else line.tax_percentage)


def _shared(amount: Fraction, weights: list[Fraction], unit: Fraction) -> list[Fraction]:
    exact = [amount * weight / sum(weights) for weight in weights]
    shares = [floor(share / unit) * unit for share in exact]
    units_left = int((amount - sum(shares)) / unit)
    by_fraction = sorted(range(len(weights)), key=lambda index: (shares[index] - exact[index], index))
    for index in by_fraction[:units_left]:
        shares[index] += unit
    return shares


def _stands_on_invoice(scenario: Scenario, line: OrderLine) -> bool:
    """Tell whether it has a SKU: a modifier that costs nothing and is no product of its own has none."""
    return line.modifies is None or line.price_idr > 0 or scenario.product(line.sku).in_stock


def _dues(order: Order, lines: list[OrderLine]) -> list[Fraction]:
    """Return what each line is worth after all discounts, with the tax that its price holds."""
    before_order = [Fraction(line.before_order_idr) for line in lines]
    order_level = Fraction(order.order_discount_idr) + Fraction(order.order_promotion_idr)
    return [before - share for before, share in zip(before_order, shared_out(order_level, before_order), strict=True)]


def _without_tax(scenario: Scenario, order: Order, line: OrderLine, amount: Fraction) -> Fraction:
    """Take included tax out, to the hundredth."""
    rate = tax_percentage(scenario, line)
    return _to_the_cent(amount * 100 / (100 + rate)) if order.tax_inclusive and rate else amount


def _charges(
    scenario: Scenario, order: Order, lines: list[OrderLine], drawn: list[InvoiceLine]
) -> Iterator[InvoiceLine]:
    """Draw charges, those before the total taxed as the goods are if the shop taxes charges, and shipping."""
    names, charges = scenario.accounts, order.charges
    rates = {rate: _ZERO for line in lines if (rate := tax_percentage(scenario, line))}
    for line in drawn:
        if line.tax:
            rates[line.tax] += line.net
    weights = list(rates.values())
    if not any(weights):
        weights = [Fraction(place == 0) for place in range(len(weights))]
    for amount in map(Fraction, (charges.order_idr, charges.subtotal_idr)):
        shares = [(amount, _ZERO)]
        if scenario.mode.charges_taxed and rates:
            shares = list(zip(shared_out(amount, weights), rates, strict=True))
        for share, rate in shares:
            net = _to_the_cent(share * 100 / (100 + rate)) if order.tax_inclusive and rate else share
            if net:
                yield _extra(scenario, scenario.charge_sku, names.charges, net, rate)
    for sku, account, amount in (
        (scenario.charge_sku, names.charges, Fraction(charges.final_idr)),
        (scenario.shipping_sku, names.shipping, Fraction(charges.shipping_idr)),
    ):
        if amount:
            yield _extra(scenario, sku, account, amount)


def _to_the_cent(amount: Fraction) -> Fraction:
    return floor(amount / _CENT + Fraction(1, 2)) * _CENT


def _drawn(scenario: Scenario, order: Order, line: OrderLine, net: Fraction) -> Iterator[InvoiceLine]:
    percentage, sku = tax_percentage(scenario, line), line.sku.strip()
    for quantity, rate in _split(line, net):
        if not rate and scenario.mode.zero_prices == "adjust_stock":
            continue
        yield InvoiceLine(
            detail_id=line.order_detail_id,
            sku=sku,
            quantity=quantity,
            rate=rate,
            tax=percentage,
            account=sales_account(scenario, order, sku),
            tax_account=_tax_account(scenario, percentage),
        )


def _tax_account(scenario: Scenario, percentage: Fraction) -> str:
    named = {Fraction(known): account for known, (_, account) in scenario.taxes.items()}
    return named.get(percentage, scenario.accounts.tax)


def _split(line: OrderLine, net: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Return one quantity and rate, or two whose rates differ by a rupiah, or a hundredth, and that make up the net.

    Of weighed goods the higher rate is for as much as the scales can tell.
    """
    quantity = Fraction(line.quantity)
    unit = _CENT if net.denominator != 1 or _ZERO < net < quantity else Fraction(1)
    lower = floor(net / (quantity * unit)) * unit
    left = net - quantity * lower
    if not left:
        return [(quantity, lower)]
    finest = Fraction(1)
    if quantity.denominator != 1:
        exponent = line.quantity.as_tuple().exponent
        assert isinstance(exponent, int)
        finest = Fraction(10) ** exponent
    higher = floor(left / unit / finest) * finest
    pieces = ((higher, lower + unit), (quantity - higher, lower))
    return [(amount, rate) for amount, rate in pieces if amount]


def _extra(scenario: Scenario, sku: str, account: str, amount: Fraction, tax: Fraction = _ZERO) -> InvoiceLine:
    return InvoiceLine(
        detail_id="",
        sku=sku,
        quantity=Fraction(1),
        rate=amount,
        tax=tax,
        account=account,
        tax_account=_tax_account(scenario, tax) if tax else "",
    )
