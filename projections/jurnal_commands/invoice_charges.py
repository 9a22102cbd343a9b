"""Lines for an order's additional charges and its shipping. The rules are written down in INVOICES.md."""

from decimal import Decimal

from eventstore.facts.reports.orders import OrderReport
from eventstore.facts.settings import SalesRulesSet
from projections.jurnal_commands.commands import InvoiceLine
from projections.jurnal_commands.invoice_drawn import DrawnLine, NotDrawable, Undrawable, not_set_up
from projections.jurnal_commands.invoice_lines import WHOLE, ZERO, SoldLine, plain
from projections.jurnal_commands.invoice_shares import share_out, without_tax

ON_ORDER = "Additional charge on the order"
BEFORE_TAX = "Additional charge before tax"
ON_TOTAL = "Additional charge on the total"
SHIPPING = "Shipping"


def draw_charges(order: OrderReport, rules: SalesRulesSet, sold: list[SoldLine], excess: Decimal) -> list[DrawnLine]:
    """Return the lines of the charges and of shipping; `excess` of the discounts is off the first charge."""
    on_order = order.total_additional_order_amount or ZERO
    before_tax = order.total_additional_subtotal_amount or ZERO
    on_total = order.total_additional_final_amount or ZERO
    shipping = order.total_shipping_amount or ZERO
    if not (on_order or before_tax or on_total or shipping or excess):
        return []
    if excess > on_order:
        raise Undrawable(
            NotDrawable("The order's discounts exceed its prices", "Check the order's discounts in iSeller")
        )
    drawn: list[DrawnLine] = []
    for amount, words in ((on_order - excess, ON_ORDER), (before_tax, BEFORE_TAX)):
        taxed = rules.charges_taxed and amount > 0
        for part, tax, tax_name in _by_tax(amount, sold) if taxed else [(amount, ZERO, None)]:
            net = without_tax(part, tax) if order.tax_inclusive and tax else part
            drawn += _line(rules.charge_product, "charge_product", net, words, tax, tax_name)
    drawn += _line(rules.charge_product, "charge_product", on_total, ON_TOTAL)
    drawn += _line(rules.shipping_product, "shipping_product", shipping, SHIPPING)
    return drawn


def _by_tax(amount: Decimal, sold: list[SoldLine]) -> list[tuple[Decimal, Decimal, str | None]]:
    """Share a charge over the taxes of the order's lines, by their nets."""
    nets: dict[tuple[Decimal, str | None], Decimal] = {}
    for line in sold:
        if line.tax:
            nets[line.tax, line.tax_name] = nets.get((line.tax, line.tax_name), ZERO) + line.net
    if not nets:
        return [(amount, ZERO, None)]
    weights = list(nets.values())
    shares = share_out(amount, weights if any(weights) else [WHOLE, *(ZERO for _ in weights[1:])])
    return [(share, *tax) for share, tax in zip(shares, nets, strict=True)]


def _line(
    product: str | None, setting: str, amount: Decimal, words: str, tax: Decimal = ZERO, tax_name: str | None = None
) -> list[DrawnLine]:
    if amount == 0:
        return []
    if amount < 0:
        raise Undrawable(NotDrawable(f"{words} is Rp {plain(amount)}", "Only amounts above zero can be booked"))
    if product is None:
        raise not_set_up(
            f"{words}: Rp {plain(amount)}, and no product of Jurnal is mapped for it",
            f"Make an untracked product in Jurnal and name it as {setting} in the store's set-up",
        )
    line = InvoiceLine(product_code=product, quantity=WHOLE, rate=amount, tax_name=tax_name, description=words)
    return [DrawnLine("", "", tax, line)]
