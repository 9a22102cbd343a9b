"""What of an order is planned for Jurnal: enough to book payments on it, take it back, and see that it was changed."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

_ZERO = Decimal(0)


class BookedLine(msgspec.Struct, frozen=True, array_like=True):
    """One line of the invoice. `detail_id` and `product_id` are iSeller's, empty for a charge, shipping or rounding.

    `rate`: net unit price, IDR; `tax`: percent. `product_code` is Jurnal's.
    """

    detail_id: str
    product_id: str
    product_code: str
    quantity: Decimal
    rate: Decimal
    tax: Decimal


class BookedPart(msgspec.Struct, frozen=True, array_like=True):
    """Stock that left by an adjustment beside the invoice, because of the order line `detail_id`, all of it.

    A part of a composite, a comboset or a modifier, or goods given away.
    """

    detail_id: str
    product_code: str
    quantity: Decimal


class BookedEntry(msgspec.Struct, frozen=True, array_like=True):
    """One side of the journal entry beside the invoice, IDR; `amount` above zero is a debit."""

    account: str
    amount: Decimal


class BookedPayment(msgspec.Struct, frozen=True, array_like=True):
    """Money planned on the invoice. `liability`: the account that it came out of, empty for money proper.

    `command_id`: the invoice itself for its deposit, else the payment's own command. `paid_on`: the outlet's date.
    """

    transaction_id: str
    amount: Decimal
    account: str
    liability: str
    command_id: str
    paid_on: date


class BookedCredit(msgspec.Struct, frozen=True, array_like=True):
    """A return or a credit memo. `source`: its command. `lines`: what came back. IDR.

    `amount`: what it is worth; `credit`: what of it became a credit of the customer (the rest lowered what was owed);
    `paid_out`: what of the credit was refunded or applied.
    """

    source: str
    amount: Decimal
    credit: Decimal
    paid_out: Decimal
    lines: tuple[BookedLine, ...] = ()
    parts: tuple[BookedPart, ...] = ()


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice of an order as it is planned, with all that hangs on it.

    `command_id`: of its BookInvoice. `changes`: how often it was updated. `ended`: taken back whole on `ended_on`: the
    order was voided, and the invoice returned or deleted, or it is replaced by the next booking. `content`: a digest of
    what iSeller told of lines and amounts; another one is an edited order. `journal`: the entry beside it that moves
    between accounts. `rounded`: what of the total is neither its lines and taxes nor iSeller's own rounding,
    IDR, signed.
    """

    revision: int
    command_id: str
    invoice_no: str
    booked_on: date
    warehouse: str
    walk_in_contact: str
    customer_id: str | None
    total: Decimal
    header_discount: Decimal
    lines: tuple[BookedLine, ...]
    content: str
    due_on: date | None = None
    parts: tuple[BookedPart, ...] = ()
    journal: tuple[BookedEntry, ...] = ()
    payments: tuple[BookedPayment, ...] = ()
    credits: tuple[BookedCredit, ...] = ()
    changes: int = 0
    ended: Literal["", "returned", "deleted", "replaced"] = ""
    ended_on: date | None = None
    rounded: Decimal = _ZERO

    @property
    def paid(self) -> Decimal:
        """All money planned on the invoice."""
        return sum((payment.amount for payment in self.payments), _ZERO)

    @property
    def remaining(self) -> Decimal:
        """What is owed of the invoice, once all that is planned stands in Jurnal."""
        lowered = sum((credit.amount - credit.credit for credit in self.credits), _ZERO)
        return self.total - self.paid - lowered
