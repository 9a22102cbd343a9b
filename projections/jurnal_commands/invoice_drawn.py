"""What drawing an order gives: an invoice with all that goes beside it, or why there is none."""

from decimal import Decimal

import msgspec

from projections.changes.booking import BookedPart
from projections.changes.waiting import SETTINGS_NEED
from projections.jurnal_commands.commands import InvoiceLine, JournalLine


class DrawnLine(msgspec.Struct, frozen=True):
    """One invoice line and the order line it stands for; `tax` in percent.

    `detail_id` and `product_id` are iSeller's, empty for a charge, shipping or rounding.
    """

    detail_id: str
    product_id: str
    tax: Decimal
    line: InvoiceLine


class Drawn(msgspec.Struct, frozen=True):
    """An invoice, in IDR: its lines with Jurnal's tax less `header_discount` are the order's total.

    `parts`: stock that leaves by an adjustment beside it. `journal`: what moves from one account to another beside it;
    debits equal credits. `remainder`: what went to rounding beyond iSeller's own, signed. No lines: the order has only
    given-away goods, whose stock is in `parts`, and there is no invoice to book.
    """

    lines: tuple[DrawnLine, ...]
    header_discount: Decimal
    parts: tuple[BookedPart, ...] = ()
    journal: tuple[JournalLine, ...] = ()
    remainder: Decimal = Decimal(0)


class NotDrawable(msgspec.Struct, frozen=True):
    """Why the order cannot become an invoice whose total is right, and what a person can do about it.

    `needs` (see waiting.py): what makes it worth drawing again.
    """

    reason: str
    what_to_do: str
    needs: tuple[str, ...] = ()


class Undrawable(Exception):
    """Raised where drawing finds that it cannot go on; `draw_invoice` returns `why`."""

    def __init__(self, why: NotDrawable) -> None:
        super().__init__(why.reason)
        self.why = why


def not_set_up(reason: str, what_to_do: str) -> Undrawable:
    """Return what stops drawing until the store's settings change."""
    return Undrawable(NotDrawable(reason, what_to_do, (SETTINGS_NEED,)))
