"""Whether Jurnal's products are what sales need: there, in use, tracked or not, on the mapped account. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from projections.changes.settings import StoreSettings
from projections.master_data.fold import ProductRow
from service.preflight_finding import Finding, notice, problem, some
from service.product_list import JurnalProduct

Products = Mapping[str, JurnalProduct]


def product_findings(
    settings: StoreSettings, products: Products, told: Sequence[ProductRow], seen: Iterable[str]
) -> list[Finding]:
    """Return what would fail; `told` are iSeller's products, `seen` the SKUs of its newest reports."""
    active = [product for product in told if product.is_active]
    skus = {*seen, *(product.sku for product in active if product.sku)}
    return [
        *_own_products(settings, products),
        *_missing(settings, products, skus),
        *_blank(active),
        *_same(active),
        *_accounts(settings, products, skus),
        *_conflicts(settings, products, skus),
    ]


def _own_products(settings: StoreSettings, products: Products) -> Iterator[Finding]:
    """Check the products that stand for rounding, charges, shipping and stored value."""
    connection, rules = settings.connection, settings.rules
    assert connection is not None
    store = settings.sales_accounts.get("")
    own: list[tuple[str, str, str | None]] = [
        (code, why, store.products.get(code) if store else None)
        for code, why in (
            (connection.rounding_product_code, "takes rounding differences"),
            (rules.charge_product, "takes additional charges"),
            (rules.shipping_product, "takes shipping"),
        )
        if code is not None
    ]
    own += [
        (sku, f"is sold as stored value of {liability!r}", liability)
        for sku, liability in rules.stored_value_products.items()
    ]
    for code, why, account in own:
        yield from _own_product(code, why, account, products.get(code))


def _own_product(code: str, why: str, account: str | None, product: JurnalProduct | None) -> Iterator[Finding]:
    if product is None:
        yield problem(
            "product",
            code,
            f"Jurnal has no product {code!r}, which {why}",
            "Make it in Jurnal, or name another product in the set-up",
        )
        return
    if product.is_archived:
        yield _archived([code])
    if product.track_inventory:
        yield problem(
            "product_tracked",
            code,
            f"Product {code!r}, which {why}, is tracked in stock, and there is no stock of it",
            "Name an untracked product: Jurnal keeps the tracking of one that was used",
        )
    if account is not None and product.sell_account != account:
        yield problem(
            "product_account",
            code,
            f"Product {code!r}, which {why}, sells onto {product.sell_account!r}, not {account!r}",
            f"Let its sell account in Jurnal be {account!r}, or map it otherwise",
        )


def _missing(settings: StoreSettings, products: Products, skus: set[str]) -> Iterator[Finding]:
    if missing := skus - set(products):
        yield problem(
            "sku",
            f"{len(missing)} SKUs",
            f"Jurnal has no product of the codes {some(missing)}",
            "Import them: jurnalsync products import --store … ; or correct the SKU in iSeller or the code in Jurnal",
        )
    own = set(settings.rules.stored_value_products)
    if archived := [sku for sku in skus - own if sku in products and products[sku].is_archived]:
        yield _archived(archived)


def _archived(codes: Iterable[str]) -> Finding:
    return problem(
        "product_archived",
        some(codes),
        f"Archived in Jurnal, which takes no sale of it: {some(codes)}",
        "Take it into use again in Jurnal, or take it out of sale in iSeller",
    )


def _blank(active: Sequence[ProductRow]) -> Iterator[Finding]:
    blank = [product.name or product.product_id for product in active if not product.sku]
    if blank:
        yield notice(
            "sku",
            "no SKU",
            f"Products without a SKU, whose sales would fail: {some(blank)}",
            "Give them a SKU in iSeller, and Jurnal's products the same code",
        )
    spaced = [product.told_sku for product in active if product.sku and product.told_sku != product.sku]
    if spaced:
        yield notice(
            "sku",
            "white space",
            f"SKUs with white space around them, which is left out when Jurnal is asked: {some(spaced)}",
            "Take the white space away in iSeller",
        )


def _same(active: Sequence[ProductRow]) -> Iterator[Finding]:
    count: dict[str, int] = {}
    for product in active:
        count[product.sku] = count.get(product.sku, 0) + 1
    if same := [sku for sku, products in count.items() if sku and products > 1]:
        yield notice(
            "sku",
            "same SKU",
            f"More than one product of iSeller's has the SKU {some(same)}: Jurnal keeps them as one",
            "Give each product its own SKU if their stock is to be kept apart",
        )


def _accounts(settings: StoreSettings, products: Products, skus: set[str]) -> Iterator[Finding]:
    """Compare the store's own words with the sell accounts of Jurnal's products: those are what Jurnal posts to."""
    store = settings.sales_accounts.get("")
    if store is None:
        return
    liable = settings.rules.stored_value_products
    wrong: dict[tuple[str, str | None], list[str]] = {}
    for sku in sorted({*skus, *store.products} - set(liable)):
        wanted = store.products.get(sku) or store.account
        product = products.get(sku)
        if wanted is not None and product is not None and product.sell_account != wanted:
            wrong.setdefault((wanted, product.sell_account), []).append(sku)
    for (wanted, stands), codes in wrong.items():
        yield problem(
            "product_account",
            some(codes),
            f"{some(codes)} sell onto {stands!r} in Jurnal, and the set-up says {wanted!r}",
            "Change the sell account of these products in Jurnal, or the sales account in the set-up",
        )


def _conflicts(settings: StoreSettings, products: Products, skus: set[str]) -> Iterator[Finding]:
    """Name outlets and channels that sell a product onto another account than its own, where that is refused."""
    if settings.rules.sales_account_conflict != "refuse":
        return
    store = settings.sales_accounts.get("")
    for scope, here in settings.sales_accounts.items():
        if not scope:
            continue
        conflicts = []
        for sku in {*skus, *here.products}:
            wanted = here.products.get(sku) or here.account
            product = products.get(sku)
            own = (store.products.get(sku) or store.account if store else None) or (product and product.sell_account)
            if wanted is not None and own is not None and wanted != own:
                conflicts.append(sku)
        general = here.account is not None and store is not None and store.account not in (None, here.account)
        if conflicts or general:
            what = some(conflicts) if conflicts else "its products"
            yield problem(
                "sales_account_conflict",
                scope,
                f"{scope} sells {what} onto another account than the products' own, which Jurnal cannot do",
                "Let sales.sales_account_conflict be reclass (a journal entry an invoice), or map one account",
            )
