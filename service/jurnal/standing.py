"""What stands in Jurnal already and a command goes by: the invoice it changes, the credit it uses.

Structs only. It is read right before a send and never kept for another one.
"""

from decimal import Decimal

import msgspec

from eventstore.facts.answers import Document
from projections.jurnal_commands.commands import Command


class Earlier(msgspec.Struct, frozen=True):
    """A command that Jurnal accepted, and the document it made."""

    command: Command
    document: Document


class LineNow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an invoice; `rate` net in IDR, `has_return`: some of it came back already."""

    line_id: int
    product_id: int | None
    tax_id: int | None
    quantity: Decimal
    rate: Decimal
    has_return: bool = False


class InvoiceNow(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice as Jurnal has it. `remaining` is owed, IDR."""

    jurnal_id: int
    number: str
    remaining: Decimal
    lines: tuple[LineNow, ...]
    return_ids: tuple[int, ...] = ()
    credit_memo_ids: tuple[int, ...] = ()
    payment_ids: tuple[int, ...] = ()


class CreditNow(msgspec.Struct, frozen=True, kw_only=True):
    """A credit memo as Jurnal has it. `remaining` can still be used, IDR."""

    jurnal_id: int
    number: str
    person_id: int
    amount: Decimal
    remaining: Decimal


class LineBack(msgspec.Struct, frozen=True):
    """So much of an invoice's line comes back."""

    line_id: int
    quantity: Decimal


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a command needs of the documents it hangs on; empty for one that hangs on none."""

    invoice: InvoiceNow | None = None
    credit: CreditNow | None = None
    lines_back: tuple[LineBack, ...] = ()


class NotStanding(msgspec.Struct, frozen=True):
    """The command cannot go as it is; `reason` is for a person, with what to do."""

    reason: str


NOTHING_STANDS = Standing()
