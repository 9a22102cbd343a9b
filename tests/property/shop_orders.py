"""Any order that a shop may take, with what it must come to: worked out beside the service, by INVOICES.md."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import floor

from hypothesis import strategies as st

from eventstore.facts.reports.orders import OrderLine, OrderReport, ProductPart, Promotion
from eventstore.facts.settings import SalesAccountsMapped, SalesRulesSet, TaxMapping

D = Decimal
TAXES = (TaxMapping("11", "PPN"), TaxMapping("10.5", "PB1"))
RATES = {tax.tax_name: D(tax.percentage) for tax in TAXES}
CHARGE, SHIPPING, TOP_UP = "ISELLER-CHARGE", "ISELLER-SHIPPING", "TOPUP"
UNTRACKED = frozenset({CHARGE, SHIPPING, "ISELLER-ROUNDING", "PACKAGE", "LARGE"})
ACCOUNTS = (
    SalesAccountsMapped(scope="", account="Sales", products={"CAKE": "Cake Sales"}),
    SalesAccountsMapped(scope="main", products={"LATTE": "Main Drinks"}),
)
RULES = st.builds(
    SalesRulesSet,
    charge_product=st.just(CHARGE),
    shipping_product=st.just(SHIPPING),
    cost_account=st.just("Cost of Sales"),
    charges_taxed=st.booleans(),
    discount_account=st.sampled_from([None, "Sales Discounts"]),
    zero_prices=st.sampled_from(["send", "adjust_stock"]),
    sales_account_conflict=st.just("reclass"),
    stored_value_products=st.just({TOP_UP: "Customer Balance"}),
)
PRICES = st.one_of(
    st.just(D(0)),
    st.integers(100, 2_000_000).map(D),
    st.decimals(100, 2_000_000, places=2),
    st.decimals(100, 100_000, places=4),
)
PERCENTAGES = st.sampled_from([D(11), D("10.50"), D(0)])


@dataclass
class Sale:
    """One line that stands for itself, with the modifiers that are in its price."""

    lines: list[OrderLine]
    gross: D
    own: D
    rate: D
    stored: bool = False
    weighed: bool = False
    stock: dict[str, D] = field(default_factory=dict)

    @property
    def value(self) -> D:
        """What it is worth after its own discounts."""
        return self.gross - self.own


@dataclass
class ShopOrder:
    """An order, the rules it is booked by, and what of it leaves the stock.

    `discount`: all that is off its lines. `rounded`: how many lines and charges iSeller rounded.
    """

    report: OrderReport
    rules: SalesRulesSet
    stock: dict[str, D]
    discount: D
    rounded: int


@st.composite
def sales(draw: st.DrawFn, identity: str) -> Sale:
    """Draw a line of any kind, whose own discounts may take up to all of it."""
    kind = draw(st.sampled_from(["plain", "plain", "weighed", "package", "top-up"]))
    sku = {"package": "PACKAGE", "top-up": TOP_UP}.get(kind) or draw(st.sampled_from(["LATTE", "CAKE", "TEA"]))
    quantity = draw(st.decimals("0.001", 9, places=3) if kind == "weighed" else st.integers(1, 40).map(D))
    price = draw(PRICES)
    gross = quantity * price
    discount, promotion = draw(_discounts(gross))
    taxable, percentage = draw(st.booleans()), draw(PERCENTAGES)
    parts = {"COFFEE": D(2), "CAKE": D("0.25")} if kind == "package" else {}
    line = OrderLine(
        order_detail_id=identity,
        sku=f" {sku}",
        quantity=D(1) if kind == "weighed" else quantity,
        weight_quantity=quantity if kind == "weighed" else D(0),
        base_price=price,
        discount_amount=discount,
        taxable=taxable,
        tax_percentage=percentage,
        promotions=(Promotion(promotion_amount=promotion),) if promotion else None,
        product_composites=tuple(ProductPart(sku=part, quantity=amount) for part, amount in parts.items()),
    )
    stock = {part: amount * quantity for part, amount in parts.items()} or {sku: quantity}
    stored = kind == "top-up"
    rate = percentage if taxable and not stored else D(0)
    return Sale([line], gross, discount + promotion, rate, stored, kind == "weighed", stock)


@st.composite
def with_modifiers(draw: st.DrawFn, identity: str) -> list[Sale]:
    """Draw a line and up to two modifiers of it: with a SKU, in its price, or nothing."""
    sale = draw(sales(identity))
    drawn = [sale]
    for number in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["own line", "in the price", "nothing"]))
        price = D(0) if kind == "nothing" else draw(st.integers(100, 50_000).map(D))
        modifier = OrderLine(
            order_detail_id=f"{identity}-{number}",
            parent_order_detail_id=identity,
            product_modifier_id="modifier",
            sku="LARGE" if kind == "own line" else None,
            modifier_product_sku="SHOT" if kind == "own line" else None,
            modifier_product_quantity=D(2) if kind == "own line" else None,
            modifier_product_composites=(ProductPart(sku="CUP", quantity=D(1)),) if kind == "nothing" else None,
            quantity=D(1),
            base_price=price,
            taxable=sale.rate > 0,
            tax_percentage=sale.rate,
        )
        if kind == "own line":
            drawn.append(Sale([modifier], price, D(0), sale.rate, stock={"SHOT": D(2)}))
        else:
            sale.lines.append(modifier)
            sale.gross += price
            if kind == "nothing":
                sale.stock["CUP"] = sale.stock.get("CUP", D(0)) + 1
    return drawn


@st.composite
def shop_orders(draw: st.DrawFn) -> ShopOrder:
    """Draw an order and work out its total, tax rounded as iSeller may round it."""
    count = draw(st.integers(1, 5))
    sold = [sale for number in range(count) for sale in draw(with_modifiers(f"d{number}"))]
    rules, inclusive = draw(RULES), draw(st.booleans())
    on_order, before_tax, on_total, shipping = (draw(st.one_of(st.just(0), st.integers(1, 90_000))) for _ in range(4))
    discount, excess = draw(_order_discount(sold, on_order))
    charged = D(on_order - excess + before_tax)
    tax_unit, total_unit = draw(st.sampled_from([(D(1), D("0.01")), (D("0.01"), D(1))]))
    tax = D(0)
    if not inclusive:
        nets = _nets(sold, discount - excess)
        tax = sum((_rounded(net * sale.rate / 100, tax_unit) for sale, net in zip(sold, nets, strict=True)), D(0))
        tax += (
            _tax_of_charges(sold, nets, [D(on_order - excess), D(before_tax)], tax_unit) if rules.charges_taxed else 0
        )
    rounding = draw(st.one_of(st.just(D(0)), st.decimals(0, 500, places=2), st.decimals(-500, 0, places=2)))
    goods = sum((sale.value for sale in sold), D(0)) - (discount - excess)
    total = _rounded(goods + charged + tax + on_total + shipping, total_unit)
    rounding = max(rounding, -total)
    own = sum((sale.own for sale in sold), D(0))
    report = OrderReport(
        order_id="order-1",
        order_details=tuple(line for sale in sold for line in sale.lines),
        total_order_amount=sum((sale.gross for sale in sold), D(0)),
        total_discount_amount=own + discount,
        total_additional_order_amount=D(on_order),
        total_additional_subtotal_amount=D(before_tax),
        total_additional_final_amount=D(on_total),
        total_shipping_amount=D(shipping),
        total_tax_amount=None if inclusive else tax,
        rounding_amount=rounding,
        tax_inclusive=inclusive,
        total_amount=total + rounding,
    )
    stock: defaultdict[str, D] = defaultdict(D)
    for sale in sold:
        for sku, quantity in sale.stock.items():
            stock[sku] += quantity
    rounded = sum(sale.rate > 0 or sale.weighed for sale in sold)
    rounded += 2 * len({sale.rate for sale in sold if sale.rate}) if rules.charges_taxed else 0
    return ShopOrder(report, rules, dict(stock), own + discount - excess, rounded)


def _discounts(gross: D) -> st.SearchStrategy[tuple[D, D]]:
    """Draw a discount and a promotion in whole rupiah, together at most the gross; also the famous Rp 3,333."""
    # Of a gross with hundredths some is left: under a hundredth, no share could be given without exceeding it.
    most = int(gross if gross == gross.to_integral_value() else gross * D("0.9"))
    discounts = st.one_of(st.just(0), st.just(min(3_333, most)), st.integers(0, most))
    return discounts.flatmap(
        lambda discount: st.tuples(st.just(D(discount)), st.one_of(st.just(0), st.integers(0, most - discount)).map(D))
    )


@st.composite
def _order_discount(draw: st.DrawFn, sold: list[Sale], on_order: int) -> tuple[D, D]:
    """Draw a discount on the order, and what of it exceeds the lines and is off the charge before discounts."""
    values = [sale.value for sale in sold if not sale.stored]
    worth = sum(values, D(0))
    if all(value == value.to_integral_value() for value in values) and draw(st.booleans()):
        excess = draw(st.integers(0, on_order))
        return worth + excess, D(excess)
    fine = any(value != value.quantize(D("0.01")) for value in values)
    # A share in hundredths of all of a line that has thousandths could exceed it.
    return D(draw(st.integers(0, int(worth * (D("0.9") if fine else 1))))), D(0)


def _nets(sold: list[Sale], discount: D) -> list[D]:
    """Take the order's discount off, by the rule: of little money a rupiah more or less is much of a charge's tax."""
    weights = [Fraction(0) if sale.stored else Fraction(sale.value) for sale in sold]
    if not any(weights):
        return [sale.value for sale in sold]
    exact = [Fraction(discount) * weight / sum(weights) for weight in weights]
    shares = _by_largest_fraction(exact, 1)
    if any(share > weight for share, weight in zip(shares, weights, strict=True)):
        shares = _by_largest_fraction(exact, 100)
    return [sale.value - D(share.numerator) / D(share.denominator) for sale, share in zip(sold, shares, strict=True)]


def _by_largest_fraction(exact: list[Fraction], units: int) -> list[Fraction]:
    """Round shares to so many units a rupiah, the units that are missing to the largest fractions."""
    floors = [floor(share * units) for share in exact]
    missing = floor(sum(exact) * units) - sum(floors)
    by_fraction = sorted(range(len(exact)), key=lambda place: (floors[place] - exact[place] * units, place))
    return [Fraction(share + (place in by_fraction[:missing]), units) for place, share in enumerate(floors)]


def _tax_of_charges(sold: list[Sale], nets: list[D], charges: list[D], unit: D) -> D:
    by_rate: defaultdict[D, D] = defaultdict(D)
    for sale, net in zip(sold, nets, strict=True):
        if sale.rate:
            by_rate[sale.rate] += net
    taxed = sum(by_rate.values(), D(0))
    weights = {rate: net / taxed if taxed else D(place == 0) for place, (rate, net) in enumerate(by_rate.items())}
    taxes = [charge * weight * rate / 100 for charge in charges for rate, weight in weights.items()]
    return sum((_rounded(tax, unit) for tax in taxes), D(0))


def _rounded(amount: D, unit: D) -> D:
    return amount.quantize(unit, ROUND_HALF_UP)
