"""Baskets of every kind, and what iSeller makes of them: discounts, charges, tax, rounding, total."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Outlet, Part, Product, Scenario
from ops.sandbox.scenario_everything import COMBOSET, ICE_MODIFIER, MILK_MODIFIER, SET_MEAL, SUGAR_MODIFIER, TOP_UP
from ops.sandbox.traffic_order import Charges, OrderLine
from ops.sandbox.traffic_plans import Plan

_NOTHING = Decimal(0)
_RUPIAH = Decimal(1)
_DISCOUNTS_IDR = (1_111, 2_500, 3_333)
_ORDER_DISCOUNTS_IDR = (3_333, 5_000, 7_777, 10_001)
_PROMOTIONS_IDR = (2_500, 4_999, 3_333)
_TOP_UPS_IDR = (50_000, 100_000, 150_000)
_SHIPPING_IDR = (9_000, 12_500, 18_333)
_FINAL_CHARGE_IDR = Decimal(1_500)


class Basket(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and what belongs to the whole order, before anybody pays; total and rounding are iSeller's."""

    lines: tuple[OrderLine, ...]
    discount_idr: Decimal
    promotion_idr: Decimal
    charges: Charges
    rounding_idr: Decimal
    total_idr: Decimal


class Taxing(msgspec.Struct, frozen=True):
    """How iSeller reckons at one place: percent of the store, decimals of a tax, and the total's multiple."""

    percentage: Decimal
    inclusive: bool
    decimals: int
    multiple_idr: Decimal
    charges_taxed: bool = False

    @classmethod
    def at(cls, scenario: Scenario, outlet: Outlet, *, online: bool) -> "Taxing":
        """Return the outlet's; online, tax has its hundredths and nothing is rounded to coins."""
        decimals = 2 if online else outlet.tax_decimals
        multiple = _RUPIAH if online else outlet.rounding_multiple_idr
        taxed = scenario.mode.charges_taxed
        return cls(scenario.tax_percentage, outlet.tax_inclusive, decimals, multiple, taxed)

    def rate(self, line: OrderLine) -> Fraction:
        """Return the line's tax in percent."""
        if not line.taxable:
            return Fraction(0)
        return Fraction(self.percentage if line.tax_percentage is None else line.tax_percentage)

    def tax(self, net: Fraction, rate: Fraction) -> Decimal:
        """Return the tax at a rate, on top of an amount or within it."""
        return rounded(net * rate / (100 + rate) if self.inclusive else net * rate / 100, self.decimals)


def fill(scenario: Scenario, dice: Dice, plan: Plan) -> Basket:
    """Fill a basket as planned."""
    taxing = Taxing.at(scenario, plan.outlet, online=plan.channel is not None)
    if "top_up" in plan.contents:
        price = Decimal(dice.pick(_TOP_UPS_IDR))
        return totalled((_line(dice, msgspec.structs.replace(TOP_UP, price_idr=price), _RUPIAH),), taxing)
    lines = _lines(scenario, dice, plan)
    worth = sum((line.before_order_idr for line in lines), _NOTHING)
    discount = _bounded(dice, _ORDER_DISCOUNTS_IDR, worth) if "order_discount" in plan.contents else _NOTHING
    promotion = _bounded(dice, _PROMOTIONS_IDR, worth) if "order_promotion" in plan.contents else _NOTHING
    return totalled(lines, taxing, discount, promotion, _charges(dice, plan, lines, worth - discount - promotion))


def totalled(
    lines: tuple[OrderLine, ...],
    taxing: Taxing,
    discount_idr: Decimal = _NOTHING,
    promotion_idr: Decimal = _NOTHING,
    charges: Charges | None = None,
) -> Basket:
    """Tax every line on what is left of it, and add the order up as iSeller does."""
    worth = sum((line.before_order_idr for line in lines), _NOTHING)
    kept = 1 - Fraction(discount_idr + promotion_idr) / Fraction(worth)
    taxed = tuple(
        msgspec.structs.replace(line, tax_idr=taxing.tax(Fraction(line.before_order_idr) * kept, taxing.rate(line)))
        for line in lines
    )
    charges = charges or Charges()
    if taxing.charges_taxed:
        charges = msgspec.structs.replace(charges, tax_idr=_tax_of_charges(charges, lines, taxing))
    added = _NOTHING if taxing.inclusive else sum((line.tax_idr for line in taxed), charges.tax_idr)
    exact = worth - discount_idr - promotion_idr + added + charges.total_idr
    total = (exact / taxing.multiple_idr).quantize(_RUPIAH, ROUND_HALF_UP) * taxing.multiple_idr
    return Basket(
        lines=taxed,
        discount_idr=discount_idr,
        promotion_idr=promotion_idr,
        charges=charges,
        rounding_idr=total - exact,
        total_idr=total,
    )


def _tax_of_charges(charges: Charges, lines: tuple[OrderLine, ...], taxing: Taxing) -> Decimal:
    """Tax charges as the order's taxed goods are, by what these are worth without the tax that they hold."""
    worth: dict[Fraction, Fraction] = {}
    for line in lines:
        if rate := taxing.rate(line):
            within = 100 + rate if taxing.inclusive else Fraction(100)
            worth[rate] = worth.get(rate, Fraction(0)) + Fraction(line.before_order_idr) * 100 / within
    if worth and not any(worth.values()):
        worth[next(iter(worth))] = Fraction(1)
    whole = sum(worth.values(), Fraction(0))
    return sum(
        (
            taxing.tax(Fraction(amount) * of_rate / whole, rate)
            for amount in (charges.order_idr, charges.subtotal_idr)
            for rate, of_rate in worth.items()
        ),
        _NOTHING,
    )


def rounded(amount: Fraction, decimals: int) -> Decimal:
    """Round half up."""
    scaled = amount * 10**decimals
    return Decimal(int(scaled + Fraction(1, 2))).scaleb(-decimals)


def _lines(scenario: Scenario, dice: Dice, plan: Plan) -> tuple[OrderLine, ...]:
    contents = plan.contents
    goods = [product for product in scenario.products if product.kind == "standard" and product.sku != "KN-SHOT"]
    picked = dice.picks(goods, dice.between(1, 3))
    lines = [_discounted(dice, plan, _line(dice, product)) for product in picked]
    if "free_price" in contents:
        given = dice.pick([product for product in goods if product not in picked])
        lines.append(_line(dice, msgspec.structs.replace(given, price_idr=_NOTHING), Decimal(dice.between(1, 2))))
        picked.append(given)
    if "free_discount" in contents:
        free = _line(dice, dice.pick([product for product in goods if product not in picked]), _RUPIAH)
        lines.append(msgspec.structs.replace(free, discount_idr=free.gross_idr, discount_percentage=Decimal(100)))
    if "variant" in contents:
        lines.append(_line(dice, dice.pick([product for product in scenario.products if product.kind == "variant"])))
    if "weighed" in contents:
        weight = Decimal(dice.between(105, 1_250)) / 1000
        lines.append(_line(dice, scenario.product("KN-BIJI-KG"), weight))
    if "composite" in contents:
        lines.append(_line(dice, SET_MEAL, Decimal(dice.between(1, 3))))
    if "comboset" in contents:
        chosen = tuple(Part(product.sku, _RUPIAH) for product in dice.picks(goods, 2))
        lines.append(msgspec.structs.replace(_line(dice, COMBOSET, Decimal(dice.between(1, 2))), parts=chosen))
    if "modifiers" in contents:
        lines += _modified(scenario, dice)
    if "stray_sku" in contents:
        lines[0] = msgspec.structs.replace(lines[0], sku=f" {lines[0].sku}  ")
    return tuple(lines)


def _modified(scenario: Scenario, dice: Dice) -> list[OrderLine]:
    """Return a drink with one to three modifiers, as many of each as of the drink."""
    drink = _line(dice, scenario.product("KN-AMERICANO"), Decimal(dice.between(1, 3)))
    modifiers = dice.picks(
        (scenario.product("KN-SHOT"), MILK_MODIFIER, SUGAR_MODIFIER, ICE_MODIFIER), dice.between(1, 3)
    )
    return [
        drink,
        *(
            msgspec.structs.replace(_line(dice, modifier, drink.quantity), modifies=drink.order_detail_id)
            for modifier in modifiers
        ),
    ]


def _line(dice: Dice, product: Product, quantity: Decimal | None = None) -> OrderLine:
    return OrderLine(
        order_detail_id=dice.guid(),
        sku=product.sku,
        quantity=Decimal(dice.between(1, 6)) if quantity is None else quantity,
        price_idr=product.price_idr,
        discount_idr=_NOTHING,
        discount_percentage=_NOTHING,
        taxable=product.taxable,
        tax_idr=_NOTHING,
        tax_percentage=product.tax_percentage,
        parts=product.parts,
    )


def _discounted(dice: Dice, plan: Plan, line: OrderLine) -> OrderLine:
    if "line_percent" in plan.contents and dice.chance(0.6):
        percentage = Decimal(dice.pick((7, 15)))
        amount = (line.gross_idr * percentage / 100).quantize(_RUPIAH, ROUND_HALF_UP)
        return msgspec.structs.replace(line, discount_idr=amount, discount_percentage=percentage)
    if "line_rupiah" in plan.contents:
        line = msgspec.structs.replace(line, discount_idr=_bounded(dice, _DISCOUNTS_IDR, line.gross_idr))
    if "line_promotion" in plan.contents:
        line = msgspec.structs.replace(line, promotion_idr=_bounded(dice, _PROMOTIONS_IDR, line.gross_idr))
    return line


def _bounded(dice: Dice, amounts: tuple[int, ...], whole: Decimal) -> Decimal:
    """Return one of the amounts, or nothing if it is more than a third."""
    amount = Decimal(dice.pick(amounts))
    return amount if amount * 3 <= whole else _NOTHING


def _charges(dice: Dice, plan: Plan, lines: tuple[OrderLine, ...], left_idr: Decimal) -> Charges:
    gross = sum((line.gross_idr for line in lines), _NOTHING)
    contents = plan.contents
    ships = plan.channel is not None and plan.channel.channel == "web"
    return Charges(
        order_idr=_share(gross, "0.025") if "order_charge" in contents else _NOTHING,
        subtotal_idr=_share(left_idr, "0.05") if "subtotal_charge" in contents else _NOTHING,
        final_idr=_FINAL_CHARGE_IDR if "final_charge" in contents else _NOTHING,
        shipping_idr=Decimal(dice.pick(_SHIPPING_IDR)) if ships else _NOTHING,
    )


def _share(amount_idr: Decimal, share: str) -> Decimal:
    return (amount_idr * Decimal(share)).quantize(_RUPIAH, ROUND_HALF_UP)
