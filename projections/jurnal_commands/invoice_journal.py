"""What moves from one account to another beside an invoice. The rules are written down in INVOICES.md.

Jurnal books a line on its product's own account. An outlet that sells onto another one, and a store that wants to see
its discounts, get a journal entry.
"""

from decimal import Decimal

from eventstore.facts.reports.orders import OrderReport
from projections.changes.settings import Place, StoreSettings
from projections.jurnal_commands.commands import JournalLine
from projections.jurnal_commands.invoice_drawn import not_set_up
from projections.jurnal_commands.invoice_lines import ZERO, SoldLine
from projections.jurnal_commands.invoice_shares import without_tax


def draw_journal(
    order: OrderReport, settings: StoreSettings, place: Place, sold: list[SoldLine]
) -> tuple[JournalLine, ...]:
    """Return the journal's lines, two for each pair of accounts; debits equal credits."""
    discount_account = settings.rules.discount_account
    if not settings.sales_accounts and discount_account is None:
        return ()
    moved: dict[tuple[str, str], Decimal] = {}
    for line in sold:
        account = _sales_account(settings, place, line, moved)
        if discount_account is None or (discount := _discount(order, line)) == 0:
            continue
        if account is None:
            raise not_set_up(
                f"Discounts go to {discount_account}, and nobody said which account takes sales of {line.code}",
                "Name the product's account as Jurnal has it in the store's sales accounts",
            )
        if account != discount_account:
            moved[discount_account, account] = moved.get((discount_account, account), ZERO) + discount
    journal: list[JournalLine] = []
    for (debit, credit), amount in moved.items():
        journal += (JournalLine(account=debit, debit=amount), JournalLine(account=credit, credit=amount))
    return tuple(journal)


def _sales_account(
    settings: StoreSettings, place: Place, line: SoldLine, moved: dict[tuple[str, str], Decimal]
) -> str | None:
    """Return the account that takes the line's sales; move its net there if Jurnal books it on another one."""
    if line.stored_value:
        return settings.rules.stored_value_products[line.code]
    wanted, own = settings.sales_account(place, line.code)
    if wanted is None or wanted == own:
        return wanted
    if own is None:
        raise not_set_up(
            f"Sales of {line.code} go to {wanted} here, and nobody said which account the product has in Jurnal",
            "Name the product's account as Jurnal has it in the store's sales accounts",
        )
    if settings.rules.sales_account_conflict == "refuse":
        raise not_set_up(
            f"Sales of {line.code} go to {wanted} here, and Jurnal books them on {own}",
            'Map one account, or set sales_account_conflict to "reclass" in the store\'s set-up',
        )
    if line.net > 0:
        moved[own, wanted] = moved.get((own, wanted), ZERO) + line.net
    return wanted


def _discount(order: OrderReport, line: SoldLine) -> Decimal:
    """Return all that was taken off the line, without included tax."""
    discount = line.gross - line.due
    return without_tax(discount, line.tax) if order.tax_inclusive and line.tax else discount
