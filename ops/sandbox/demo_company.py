"""The merchant's Jurnal company as its accountant sets it up: accounts, taxes, warehouses, products, bought stock."""

from collections.abc import Iterable
from itertools import groupby

from ops.sandbox.demo_accountant import Accountant
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_events import StockBought

PAYMENT_METHODS = {"cash": "Cash", "external_debit": "EDC BCA", "iseller_pay": "QRIS"}


async def make_master_data(accountant: Accountant, scenario: Scenario) -> None:
    """Make everything the store's set-up names."""
    names = scenario.accounts
    for name, number in ((names.bank, "1-10002"), (names.clearing, "1-10003")):
        await accountant.make("accounts", "account", name=name, number=number, category_name="Cash & Bank")
    await accountant.make("accounts", "account", name=names.mdr, number="6-60050", category_name="Expenses")
    await accountant.make("accounts", "account", name=names.rounding, number="7-70010", category_name="Other Income")
    liability = "Other Current Liabilities"
    await accountant.make("accounts", "account", name=names.goods_received, number="2-20205", category_name=liability)
    await accountant.make("taxes", "tax", name=scenario.tax_name, rate=str(scenario.tax_percentage))
    for method in set(PAYMENT_METHODS.values()) - {"Cash"}:
        await accountant.make("payment_methods", "payment_method", name=method)
    for code, name in (*((outlet.code, outlet.warehouse) for outlet in scenario.outlets), _transit(scenario)):
        await accountant.make("warehouses", "warehouse", name=name, code=code)
    await accountant.make("customers", "customer", display_name=scenario.walk_in_contact)
    for product in scenario.products:
        await accountant.make(
            "products",
            "product",
            name=product.name,
            product_code=product.sku,
            unit_name="Pcs",
            track_inventory=True,
            buy_price_per_unit=str(product.buy_prices_idr[0]),
            sell_price_per_unit=str(product.price_idr),
        )
    await accountant.make(
        "products",
        "product",
        name="iSeller Rounding",
        product_code=scenario.rounding_sku,
        unit_name="Pcs",
        track_inventory=False,
        sell_account_name=names.rounding,
    )


def _transit(scenario: Scenario) -> tuple[str, str]:
    return "TRANSIT", scenario.transit_warehouse


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
