"""The merchant's Jurnal company as its accountant sets it up: accounts, taxes, warehouses, products, bought stock."""

from collections.abc import Iterable
from itertools import groupby

from ops.sandbox.demo_accountant import Accountant
from ops.sandbox.scenario import Product, Scenario
from ops.sandbox.traffic_events import StockBought

PAYMENT_METHODS = {
    "cash": "Cash",
    "external_debit": "EDC BCA",
    "iseller_pay": "QRIS",
    "points": "Points",
    "gift_card": "Gift Card",
    "store_credit": "Store Credit",
    "account_balance": "Card Balance",
}
_LIABILITY = "Other Current Liabilities"


async def make_master_data(accountant: Accountant, scenario: Scenario) -> None:
    """Make everything the store's set-up names."""
    await _make_accounts(accountant, scenario)
    await accountant.make("taxes", "tax", name=scenario.tax_name, rate=str(scenario.tax_percentage))
    for percentage, (name, account) in scenario.taxes.items():
        await accountant.make("taxes", "tax", name=name, rate=str(percentage), sell_tax_account_name=account)
    methods = {PAYMENT_METHODS[gateway] for gateway in (*scenario.gateway_accounts, *scenario.liabilities)}
    for method in sorted(methods - {"Cash"}) + sorted(wallets(scenario)):
        await accountant.make("payment_methods", "payment_method", name=method)
    for name, code in _warehouses(scenario).items():
        await accountant.make("warehouses", "warehouse", name=name, code=code)
    await accountant.make("customers", "customer", display_name=scenario.walk_in_contact)
    for product in (*scenario.products, *scenario.menu):
        if product.kind != "unknown_to_jurnal" and (product.in_stock or product.price_idr):
            await make_product(accountant, scenario, product)
    names = scenario.accounts
    await _make_service(accountant, "iSeller Rounding", scenario.rounding_sku, names.rounding)
    if scenario.menu:
        await _make_service(accountant, "iSeller Charges", scenario.charge_sku, names.charges)
        await _make_service(accountant, "iSeller Shipping", scenario.shipping_sku, names.shipping)


async def make_product(accountant: Accountant, scenario: Scenario, product: Product) -> None:
    """Make one product as iSeller has it."""
    account = scenario.sales_accounts.get(product.sku)
    prices: dict[str, object] = {"sell_price_per_unit": str(product.price_idr)}
    if product.in_stock:
        prices["buy_price_per_unit"] = str(product.buy_prices_idr[0])
    await accountant.make(
        "products",
        "product",
        name=product.name,
        product_code=product.sku,
        unit_name="Kg" if product.kind == "weighed" else "Pcs",
        track_inventory=product.in_stock,
        **prices,
        **({} if account is None else {"sell_account_name": account}),
    )


def wallets(scenario: Scenario) -> dict[str, str]:
    """Return the accounts of payment types and channels that have one of their own, by iSeller's name of the type."""
    channels = {each.payment_type_name: each.account for each in scenario.channels}
    known = {name: account for name, account in channels.items() if name is not None and account is not None}
    return known | scenario.type_accounts


async def _make_accounts(accountant: Accountant, scenario: Scenario) -> None:
    names = scenario.accounts
    accounts = [
        (names.bank, "1-10002", "Cash & Bank"),
        (names.clearing, "1-10003", "Cash & Bank"),
        (names.mdr, "6-60050", "Expenses"),
        (names.rounding, "7-70010", "Other Income"),
        (names.goods_received, "2-20205", _LIABILITY),
    ]
    if scenario.menu:
        banks = [outlet.payout_account for outlet in scenario.outlets if outlet.payout_account]
        owed = {*scenario.liabilities.values(), *(account for _, account in scenario.taxes.values())} - {names.tax}
        own = {account for accounts in scenario.place_accounts.values() for account in accounts.values()}
        sales = ({*scenario.sales_accounts.values(), names.charges, names.shipping} | own) - owed
        if scenario.mode.discounts == "shown":
            sales.add(names.discounts_given)
        for first, category, more in (
            ("1-1002", "Cash & Bank", [names.stored_value_clearing, *banks, *sorted({*wallets(scenario).values()})]),
            ("2-2030", _LIABILITY, sorted(owed)),
            ("4-4001", "Income", sorted(sales)),
        ):
            accounts += [(name, f"{first}{number}", category) for number, name in enumerate(more)]
    for name, number, category in accounts:
        await accountant.make("accounts", "account", name=name, number=number, category_name=category)


async def _make_service(accountant: Accountant, name: str, code: str, account: str) -> None:
    await accountant.make(
        "products",
        "product",
        name=name,
        product_code=code,
        unit_name="Pcs",
        track_inventory=False,
        sell_account_name=account,
    )


def _warehouses(scenario: Scenario) -> dict[str, str]:
    """Return every warehouse's code by its name, those of outlets mapped later too."""
    outlets = {outlet.warehouse: outlet.code for outlet in (*scenario.outlets, *scenario.later_outlets)}
    channels = {each.warehouse: each.name.upper() for each in scenario.channels if each.warehouse not in outlets}
    return outlets | channels | {scenario.transit_warehouse: "TRANSIT"}


async def post_buys(accountant: Accountant, scenario: Scenario, buys: Iterable[StockBought]) -> None:
    """Book bought goods: one stock adjustment a date and warehouse, each line at its own price."""
    in_order = sorted(buys, key=lambda bought: (bought.date, bought.warehouse, bought.sku))
    for (day, warehouse), together in groupby(in_order, key=lambda bought: (bought.date, bought.warehouse)):
        lines = [
            {
                "product_code": bought.sku,
                "difference": str(bought.quantity),
                "use_custom_average_price": True,
                "average_price": str(bought.unit_price_idr),
            }
            for bought in together
        ]
        await accountant.make(
            "stock_adjustments",
            "stock_adjustment",
            stock_adjustment_type="General",
            account_name=scenario.accounts.opening_balance_equity,
            warehouse_name=warehouse,
            date=day.isoformat(),
            lines_attributes=lines,
        )
