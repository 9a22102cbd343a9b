"""What a store's settings alone tell of what would fail. Pure."""

from collections.abc import Iterator, Mapping

from projections.changes.settings import Place, StoreSettings
from service.preflight_finding import Finding, notice, problem

STOCK_ACCOUNTS: Mapping[str, str] = {
    "loss_account": "takes goods that were rejected",
    "goods_received_account": "stands across from goods of suppliers",
    "stock_adjustment_account": "takes counts and adjustments of stock",
}
# Not every shop needs them: what was seen in reports and needs one is a problem of its own.
RULES_NEEDED_BY: Mapping[str, str] = {
    "charge_product": "takes additional charges",
    "shipping_product": "takes shipping",
    "cost_account": "takes the cost of the parts of composites, and of goods given away",
    "waste_account": "takes goods that were taken back and thrown away",
    "sales_return_account": "takes money that is given back without goods",
}


def setting_findings(settings: StoreSettings) -> list[Finding]:
    """Return what the settings of a connected store lack or contradict."""
    return [*_outlets(settings), *_stock_accounts(settings), *_rules(settings), *_stored_value(settings)]


def _outlets(settings: StoreSettings) -> Iterator[Finding]:
    if not settings.outlets and not settings.channels:
        yield problem(
            "outlets",
            "outlets",
            "No outlet is mapped, so nothing would be booked",
            "Map the outlets to Jurnal warehouses in the set-up",
        )


def _stock_accounts(settings: StoreSettings) -> Iterator[Finding]:
    """Name the accounts that are not mapped: records that need one would wait as Failed."""
    for setting, why in STOCK_ACCOUNTS.items():
        if getattr(settings.connection, setting) is None:
            yield problem(
                "account",
                setting,
                f"No account is mapped that {why}",
                f"Name it as {setting} in the set-up file and apply the file",
            )


def _rules(settings: StoreSettings) -> Iterator[Finding]:
    rules = settings.rules
    for setting, why in RULES_NEEDED_BY.items():
        if setting == "cost_account" and rules.zero_prices == "adjust_stock" and rules.cost_account is None:
            yield problem(
                "account",
                setting,
                f"No account is mapped that {why}, and zero_prices is adjust_stock",
                "Name it as sales.cost_account in the set-up file, or let zero_prices be send",
            )
        elif getattr(rules, setting) is None:
            kind = "product" if setting.endswith("product") else "account"
            yield notice(
                kind,
                setting,
                f"No {kind} is mapped that {why}; none was needed yet",
                f"Name it as sales.{setting} in the set-up file before it is needed",
            )


def _stored_value(settings: StoreSettings) -> Iterator[Finding]:
    rules, connection = settings.rules, settings.connection
    assert connection is not None
    if rules.stored_value and rules.stored_value_clearing is None:
        yield problem(
            "account",
            "stored_value_clearing",
            "No account is mapped that payments by points, store credit, gift cards and stored value go through",
            "Name a Cash & Bank account as sales.stored_value_clearing in the set-up file",
        )
    places: list[Place] = [*settings.outlets.values(), *settings.channels.values()]
    mapped = {
        (payment.gateway, payment.payment_type_name)
        for payments in (connection.payments, *(place.payments for place in places))
        for payment in payments
    }
    for stored in rules.stored_value:
        if (stored.gateway, stored.payment_type_name) in mapped:
            way = f"{stored.gateway} {stored.payment_type_name or ''}".strip()
            yield problem(
                "payment",
                way,
                f"Payments by {way} are mapped to an account and to the liability {stored.liability_account!r} at once",
                "Take one of the two out of the set-up: an account is for money, a liability for what the shop owes",
            )
