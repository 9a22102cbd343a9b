"""What a document asked of Jurnal so far: enough to settle a record's commands and to read their answers."""

from datetime import date
from decimal import Decimal

import msgspec


class Moved(msgspec.Struct, frozen=True, array_like=True):
    """Money that a command moves into an account, or out of it (below zero), IDR, on a date."""

    account: str
    amount: Decimal
    day: date


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A command that was planned in the document's lane.

    `kind`: the command's name. `invoice`: the BookInvoice command it makes, pays or changes, empty for all others.
    `needs`: which commands of the same document must be accepted first, also those that the needed ones need.
    `body`: 16 hex digits of the SHA-256 of the command as it was planned last. `moved`: the customer's money.
    """

    command_id: str
    record_id: str
    kind: str
    invoice: str = ""
    needs: tuple[str, ...] = ()
    body: str = ""
    moved: Moved | None = None
