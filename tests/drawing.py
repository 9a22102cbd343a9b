"""Drawing one order's invoice under some rules, and reading what was drawn."""

from decimal import Decimal
from typing import Any

import msgspec

from eventstore.facts.reports.orders import OrderReport
from eventstore.facts.settings import SalesAccountsMapped, SalesRulesSet, StoreConnected, TaxMapping
from projections.changes.settings import Place, StoreSettings
from projections.jurnal_commands.invoice import draw_invoice
from projections.jurnal_commands.invoice_drawn import Drawn, NotDrawable
from tests.story import CONNECTION, MAIN, full_order

TAXES = (TaxMapping("11", "PPN"), TaxMapping("10", "PB1"))
TAXED = msgspec.structs.replace(CONNECTION, taxes=TAXES)
RULES = SalesRulesSet(
    charge_product="ISELLER-CHARGE", shipping_product="ISELLER-SHIPPING", cost_account="Cost of Sales"
)


def ruled(**rules: object) -> SalesRulesSet:
    """Return the rules with some of them otherwise."""
    return msgspec.structs.replace(RULES, **rules)


def order_report(**fields: object) -> OrderReport:
    """Return a full order; its `total_order_amount` is not told unless in `fields`."""
    return msgspec.convert(full_order(**{"total_order_amount": None, **fields}), OrderReport, strict=False)


def outcome(
    *,
    rules: SalesRulesSet = RULES,
    accounts: tuple[SalesAccountsMapped, ...] = (),
    connection: StoreConnected = TAXED,
    place: Place = MAIN,
    **fields: object,
) -> Drawn | NotDrawable:
    """Draw an order of these fields."""
    settings = StoreSettings(
        connection=connection,
        outlets={"main": MAIN},
        rules=rules,
        sales_accounts={account.scope: account for account in accounts},
    )
    return draw_invoice(order_report(**fields), settings, place)


def drawn(**told: Any) -> Drawn:
    """Draw an order that can be drawn; see `outcome`."""
    result = outcome(**told)
    assert isinstance(result, Drawn), result
    return result


def refused(**told: Any) -> NotDrawable:
    """Draw an order that cannot be drawn; see `outcome`."""
    result = outcome(**told)
    assert isinstance(result, NotDrawable), result
    return result


def lines_of(invoice: Drawn) -> list[tuple[str, str, str, str | None]]:
    """Return product, quantity, rate and tax of each line, numbers as they are written."""
    lines = (drawn_line.line for drawn_line in invoice.lines)
    return [(line.product_code, plain(line.quantity), plain(line.rate), line.tax_name) for line in lines]


def parts_of(invoice: Drawn) -> list[tuple[str, str, str]]:
    """Return detail id, product and quantity of each part."""
    return [(part.detail_id, part.product_code, plain(part.quantity)) for part in invoice.parts]


def journal_of(invoice: Drawn) -> list[tuple[str, str, str]]:
    """Return account, debit and credit of each line of the journal."""
    return [(line.account, plain(line.debit), plain(line.credit)) for line in invoice.journal]


def plain(number: Decimal) -> str:
    """Write a number without zeros that say nothing."""
    return format(number.normalize(), "f") if number else "0"
