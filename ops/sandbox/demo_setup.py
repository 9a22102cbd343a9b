"""The store's set-up file: what the merchant's accountant maps, first without and then with what was forgotten."""

import json

from ops.sandbox.demo_company import PAYMENT_METHODS
from ops.sandbox.scenario import Channel, Outlet, Scenario
from ops.sandbox.traffic_tenders import CUSTOM

_COMPANY = "demo-company"
ISELLER_CLIENT_ID = "demo-iseller-client"
SERVICE_CLIENT_ID = "demo-jurnalsync"
ACCOUNTANT_CLIENT_ID = "demo-accountant"


def setup_text(scenario: Scenario, iseller_url: str, *, mended: bool = False) -> str:
    """Return the store's set-up file. `mended`: what exists in iSeller and had not been mapped is mapped, too."""
    names = scenario.accounts
    lines = [
        f'store = "{scenario.store}"',
        f'company = "{_COMPANY}"',
        f'time_zone = "{scenario.time_zone_name}"',
        f'transit_warehouse = "{scenario.transit_warehouse}"',
        f'walk_in_contact = "{scenario.walk_in_contact}"',
        f'clearing_account = "{names.clearing}"',
        f'payout_account = "{names.payout}"',
        f'mdr_account = "{names.mdr}"',
        f'rounding_product = "{scenario.rounding_sku}"',
        f'loss_account = "{names.loss}"',
        f'goods_received_account = "{names.goods_received}"',
        f'stock_adjustment_account = "{names.stock_adjustment}"',
        "term_days = 30",
        "",
        "[iseller]",
        f'url = "{iseller_url}"',
        'api_key_file = "iseller-api-key"',
        f'client_id = "{ISELLER_CLIENT_ID}"',
        'client_secret_file = "iseller-client-secret"',
        "",
        "[jurnal]",
        f'client_id = "{SERVICE_CLIENT_ID}"',
        'client_secret_file = "jurnal-client-secret"',
        "",
        "[taxes]",
        f'"{scenario.tax_percentage}" = "{scenario.tax_name}"',
    ]
    for percentage, (name, _) in scenario.taxes.items():
        if mended or percentage not in scenario.later_taxes:
            lines.append(f'"{percentage}" = "{name}"')
    if scenario.menu:
        lines += _sales(scenario)
    for gateway, account in scenario.gateway_accounts.items():
        lines += _payment("payments", gateway, account, PAYMENT_METHODS[gateway])
    for name, account in scenario.type_accounts.items():
        if mended or name not in scenario.later_types:
            lines += [*_payment("payments", CUSTOM, account, name), f'payment_type_name = "{name}"']
    for outlet in (*scenario.outlets, *(scenario.later_outlets if mended else ())):
        lines += _outlet(outlet)
    for channel in scenario.channels:
        lines += _channel(channel)
    return "\n".join(lines) + "\n"


def _sales(scenario: Scenario) -> list[str]:
    names, liabilities = scenario.accounts, {*scenario.liabilities.values()}
    sold_value = {sku: account for sku, account in scenario.sales_accounts.items() if account in liabilities}
    lines = [
        "",
        "[sales]",
        f'charge_product = "{scenario.charge_sku}"',
        f'shipping_product = "{scenario.shipping_sku}"',
        f'cost_account = "{names.cost_of_sales}"',
        f'waste_account = "{names.loss}"',
        f'sales_return_account = "{names.sales_return}"',
        f'stored_value_clearing = "{names.stored_value_clearing}"',
        f"stored_value_products = {_inline(sold_value)}",
        f'zero_prices = "{scenario.mode.zero_prices}"',
        "",
        "[sales_accounts]",
        f'account = "{names.sales}"',
        f"products = {_inline(scenario.sales_accounts)}",
    ]
    for gateway, liability in scenario.liabilities.items():
        lines += ["", "[[sales.stored_value]]", f'gateway = "{gateway}"', f'liability_account = "{liability}"']
    return lines


def _outlet(outlet: Outlet) -> list[str]:
    lines = ["", "[[outlets]]", f'id = "{outlet.outlet_id}"', f'name = "{outlet.name}"']
    lines.append(f'warehouse = "{outlet.warehouse}"')
    return lines if outlet.payout_account is None else [*lines, f'payout_account = "{outlet.payout_account}"']


def _channel(channel: Channel) -> list[str]:
    lines = ["", "[[channels]]", f'channel = "{channel.channel}"', f'name = "{channel.name}"']
    lines.append(f'warehouse = "{channel.warehouse}"')
    if channel.detail is not None:
        lines.append(f'channel_detail = "{channel.detail}"')
    if channel.account is not None and channel.payment_type_name is not None:
        lines += _payment("channels.payments", CUSTOM, channel.account, channel.payment_type_name)
    return lines


def _payment(table: str, gateway: str, account: str, method: str) -> list[str]:
    return ["", f"[[{table}]]", f'gateway = "{gateway}"', f'account = "{account}"', f'payment_method = "{method}"']


def _inline(table: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items()) + " }"
