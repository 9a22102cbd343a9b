"""What Jurnal answered, and what it was found to hold. Never a person block: ids, numbers, status, amounts, digests."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

# Stands among the fields of a refusal whose only cause is that Jurnal has too little stock for it.
SHORT_OF_STOCK = "short_of_stock"
# Stands among the fields of a refusal by our own look-up, which could not tell whether Jurnal has the document already.
IN_DOUBT = "in_doubt"
# Stands among the fields of a refusal by which Jurnal does not let an invoice be changed or deleted, whatever it says.
NOT_ALLOWED = "not_allowed"
# Stands with a product code behind it among the fields of a refusal, for each product that Jurnal has not.
LACKS_PRODUCT = "lacks_product:"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A Jurnal document as far as the ledger keeps it. `amount` and `remaining` in IDR."""

    resource: str
    jurnal_id: int
    transaction_no: str | None = None
    status: str | None = None
    amount: Decimal | None = None
    remaining: Decimal | None = None


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """Which command, which attempt of it, and what went over the wire (hex SHA-256; empty where nothing did).

    `batch_id`: the call that carried several documents, whose digests these are; not told of one that went by itself.
    `http_status` is its row's own where the answer had one for it.
    """

    command_id: str
    attempt: int
    request_digest: str = ""
    response_digest: str = ""
    http_status: int | None = None
    batch_id: str | msgspec.UnsetType = msgspec.UNSET


class CommandAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The document is in Jurnal. `found_by` tells whether we made it just now or found it there."""

    attempted: Attempted
    document: Document
    found_by: Literal["answer", "conflict", "probe"] = "answer"


class CommandRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal, or our own look-up before the send, refuses the command as it stands; `reason` is for a person."""

    attempted: Attempted
    reason: str
    fields: tuple[str, ...] = ()


class CommandPostponed(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal asked to come back later and has certainly not booked it."""

    attempted: Attempted
    reason: str
    due_at: datetime


class CommandUnanswered(msgspec.Struct, frozen=True, kw_only=True):
    """No usable answer: Jurnal may or may not have booked it. `signed_at` is the Date that fences the attempt."""

    attempted: Attempted
    reason: str
    signed_at: datetime


class CommandConfirmedAbsent(msgspec.Struct, frozen=True, kw_only=True):
    """After the fence of the attempt had passed, a probe did not find it: it was never booked and may be sent again."""

    attempted: Attempted


class MasterDataFound(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of Jurnal's master data that commands refer to, looked up once and remembered."""

    kind: Literal["account", "contact", "payment_method", "product", "tax", "warehouse"]
    key: str
    jurnal_id: int
    name: str
    category: str | None = None
    rate: Decimal | None = None


Answer = (
    CommandAccepted | CommandRefused | CommandPostponed | CommandUnanswered | CommandConfirmedAbsent | MasterDataFound
)
