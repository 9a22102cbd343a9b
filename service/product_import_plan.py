"""Which of iSeller's products Jurnal is to get, and which not, and why. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from eventstore.facts.operators import ImportedProduct, OpeningStock
from eventstore.facts.reports.products import ProductReport
from service.product_list import JurnalProduct

_ZERO = Decimal(0)
_NAME_LENGTH_MAX = 255
_UNIT = "Pcs"
_MADE_OF_OTHERS = frozenset({"composite", "comboset", "composite_variant"})


class ImportPlan(msgspec.Struct, frozen=True):
    """What an import would do: `products` to be made, and a line for each that is `skipped`. `known` are there."""

    products: tuple[ImportedProduct, ...]
    skipped: tuple[str, ...]
    known: int


def plan_import(
    told: Sequence[ProductReport], in_jurnal: Mapping[str, JurnalProduct], *, with_stock: bool
) -> ImportPlan:
    """Return what to import of the products that iSeller tells."""
    names = {product.name for product in in_jurnal.values()}
    products: dict[str, ImportedProduct] = {}
    skipped: list[str] = []
    known = 0
    for report in told:
        sku = (report.sku or "").strip()
        reason = _why_not(report, sku, in_jurnal.get(sku), products)
        if reason == "":
            known += 1
        elif reason is not None:
            skipped.append(f"{sku or report.name or report.product_id}: {reason}")
        else:
            products[sku] = _imported(report, sku, names, with_stock=with_stock)
            names.add(products[sku].name)
            skipped += _stock_left_out(products[sku], report, with_stock=with_stock)
    return ImportPlan(tuple(products.values()), tuple(skipped), known)


def _why_not(  # noqa: PLR0911 - one branch for each reason
    report: ProductReport, sku: str, there: JurnalProduct | None, chosen: Mapping[str, ImportedProduct]
) -> str | None:
    """Return why a product is left out; empty if Jurnal has it, None if it is to be made."""
    if there is not None and there.is_archived:
        return "archived in Jurnal; take it into use again there"
    if there is not None:
        return ""
    if not sku:
        return "has no SKU; give it one in iSeller"
    if report.is_active is False:
        return "is not sold any more in iSeller"
    if report.sku != sku:
        return f"its SKU {report.sku!r} has white space around it; take it away in iSeller"
    if (report.product_type or "").lower() in _MADE_OF_OTHERS:
        return "is made of other products; make it in Jurnal by hand, untracked: its parts leave the stock"
    if sku in chosen:
        return f"has the same SKU as {chosen[sku].name!r}; Jurnal would keep both as one"
    return None


def _imported(report: ProductReport, sku: str, names: set[str], *, with_stock: bool) -> ImportedProduct:
    tracked = bool(report.track_inventory)
    return ImportedProduct(
        product_id=report.product_id,
        sku=sku,
        name=_name_for(report, sku, names),
        unit=report.unit_of_measurement or _UNIT,
        track_inventory=tracked,
        sell_price=report.price or _ZERO,
        buy_price=report.buying_price or _ZERO,
        stock=tuple(_stock(report)) if with_stock and tracked else (),
    )


def _name_for(report: ProductReport, sku: str, names: set[str]) -> str:
    """Return a name that no other product has: Jurnal takes each once, iSeller's variants share theirs."""
    name = " ".join((report.name or sku).split())[:_NAME_LENGTH_MAX]
    if name not in names:
        return name
    ending = f" ({sku})"
    return name[: _NAME_LENGTH_MAX - len(ending)] + ending


def _stock(report: ProductReport) -> Iterator[OpeningStock]:
    prices = {price.outlet_id: price.buying_price for price in report.buying_prices or ()}
    for inventory in report.inventories or ():
        if inventory.outlet_id and inventory.unit_in_stock is not None and inventory.unit_in_stock > 0:
            price = prices.get(inventory.outlet_id) or report.buying_price or _ZERO
            yield OpeningStock(inventory.outlet_id, inventory.unit_in_stock, price)


def _stock_left_out(product: ImportedProduct, report: ProductReport, *, with_stock: bool) -> Iterator[str]:
    if not with_stock or not product.track_inventory:
        return
    for inventory in report.inventories or ():
        if inventory.unit_in_stock is not None and inventory.unit_in_stock < 0:
            where = inventory.outlet_name or inventory.outlet_id
            yield f"{product.sku}: the stock of {where} is {inventory.unit_in_stock:f}; count it in iSeller first"
