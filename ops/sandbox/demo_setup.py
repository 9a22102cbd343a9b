"""The store's set-up file: what the merchant's accountant maps, first without and then with what was forgotten."""

import json
from collections.abc import Mapping, Sequence

from ops.sandbox.demo_company import PAYMENT_METHODS
from ops.sandbox.scenario import Channel, Outlet, Scenario
from ops.sandbox.traffic_tenders import CUSTOM

_COMPANY = "demo-company"
ISELLER_CLIENT_ID = "demo-iseller-client"
SERVICE_CLIENT_ID = "demo-jurnalsync"
ACCOUNTANT_CLIENT_ID = "demo-accountant"
_REFUSED = {"KN-GAYO-250": "Service Charges"}


def setup_text(
    scenario: Scenario, iseller_url: str, *, times: Sequence[str] = (), mended: bool = False, refused: bool = False
) -> str:
    """Return the store's set-up file; scheduled syncs open at `times`, HH:MM on the store's clock.

    `mended`: what exists in iSeller and had not been mapped is mapped, too. `refused`: the branch sells onto an account
    of its own, which only a preflight may see.
    """
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
        *_sync("transfer_sync", scenario.mode.transfer_sync, times),
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
        lines += _sales(scenario, times)
    for gateway, account in scenario.gateway_accounts.items():
        lines += _payment("payments", gateway, account, PAYMENT_METHODS[gateway])
    for name, account in scenario.type_accounts.items():
        if mended or name not in scenario.later_types:
            lines += [*_payment("payments", CUSTOM, account, name), f'payment_type_name = "{name}"']
    for outlet in (*scenario.outlets, *(scenario.later_outlets if mended else ())):
        lines += _outlet(outlet)
        if scenario.menu:
            own = _REFUSED if refused else scenario.place_accounts.get(outlet.code, {})
            lines += _own_accounts("outlets", own)
    for channel in scenario.channels:
        lines += _channel(channel)
        lines += _own_accounts("channels", scenario.place_accounts.get(channel.name, {}))
    return "\n".join(lines) + "\n"


def _sync(entry: str, mode: str, times: Sequence[str]) -> list[str]:
    at = f", times = {json.dumps(times)}" if mode in {"scheduled", "shift_closing"} else ""
    return [f'{entry} = {{ mode = "{mode}"{at} }}']


def _own_accounts(table: str, accounts: Mapping[str, str]) -> list[str]:
    products = {sku: account for sku, account in accounts.items() if sku}
    lines = ["", f"[{table}.sales_accounts]", f"products = {_inline(products)}"]
    return [*lines, f'account = "{accounts[""]}"'] if "" in accounts else lines


def _sales(scenario: Scenario, times: Sequence[str]) -> list[str]:
    names, liabilities, mode = scenario.accounts, {*scenario.liabilities.values()}, scenario.mode
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
        f'zero_prices = "{mode.zero_prices}"',
        f'same_day_void = "{mode.same_day_void}"',
        f'sales_account_conflict = "{mode.sales_account_conflict}"',
        f"charges_taxed = {json.dumps(mode.charges_taxed)}",
        f"customer_ids = {json.dumps(mode.customer_ids)}",
        f"payment_method_kept = {json.dumps(mode.payment_method_kept)}",
        *([f'discount_account = "{names.discounts_given}"'] if mode.discounts == "shown" else []),
        *_sync("sync", mode.sales_sync, times),
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


def _inline(table: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items()) + " }"
