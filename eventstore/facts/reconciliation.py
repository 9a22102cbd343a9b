"""What comparing the ledger with Jurnal showed, and what a person decided about it. Never a person's name or memo."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

RECONCILIATION_STREAM = "reconciliation"
DIFFERENCE_STREAM_PREFIX = "difference-"


class ComparedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Which document a difference is about, with what each side says of it; amounts in IDR.

    `business_date`: the ledger's date of its business, else its date in Jurnal; it puts the difference into a range.
    `repair`: what `reconcile --repair` does about it, empty where only a person can.
    """

    difference_id: str
    resource: str
    business_date: date
    command_id: str | None = None
    jurnal_id: int | None = None
    transaction_no: str | None = None
    ledger_amount: Decimal | None = None
    jurnal_amount: Decimal | None = None
    repair: Literal["", "resend", "delete"] = ""


class DocumentFoundMissing(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal accepted the document, and has it no more: read by its id, it was absent."""

    document: ComparedDocument


class DocumentFoundTwice(msgspec.Struct, frozen=True, kw_only=True):
    """A second document with the mark of one command; `kept_id` is the one the ledger knows, else the oldest.

    `differences`: how the two differ, empty where one is the other once more.
    """

    document: ComparedDocument
    kept_id: int
    differences: tuple[str, ...] = ()


class DocumentFoundAltered(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal's document is not what the ledger asked for any more; `differences` in words."""

    document: ComparedDocument
    differences: tuple[str, ...]


class DocumentFoundUnknown(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal has a document with our mark, the `command_id`, which the ledger did not book; `reason` says why not."""

    document: ComparedDocument
    reason: str


class InvoiceFoundPaidDifferently(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed on an invoice differs: somebody paid, or took a payment back, by hand. IDR."""

    document: ComparedDocument
    ledger_remaining: Decimal
    jurnal_remaining: Decimal


class CreditFoundUsedDifferently(msgspec.Struct, frozen=True, kw_only=True):
    """More was taken out of a credit memo than by the ledger: somebody refunded or used it by hand. IDR.

    `document` is the document of ours that the credit memo is, or that is paid out of it.
    """

    document: ComparedDocument
    ledger_used: Decimal
    jurnal_used: Decimal


class DifferenceResolved(msgspec.Struct, frozen=True, kw_only=True):
    """A difference that was found before was not found any more."""

    difference_id: str


class ForeignDocuments(msgspec.Struct, frozen=True):
    """Documents of one resource, dated in the range, that are not ours at all. IDR."""

    resource: str
    documents: int
    amount: Decimal


class RecordsNotBooked(msgspec.Struct, frozen=True):
    """Lines of the Accounting Sync list, dated in the range, that are not in Jurnal, and why."""

    status: str
    reason: str
    records: int


class RangeReconciled(msgspec.Struct, frozen=True, kw_only=True):
    """The business of `first` to `last`, dates of the store, was compared with Jurnal from end to end.

    `compared`: documents of the ledger. `found`: differences that stood at the end, by kind. `not_listed`: resources
    that Jurnal lists not, whose documents were read one by one. `scheduled_for`: the daily time it was for.
    """

    first: date
    last: date
    compared: int
    found: dict[str, int]
    foreign: tuple[ForeignDocuments, ...] = ()
    not_booked: tuple[RecordsNotBooked, ...] = ()
    not_listed: tuple[str, ...] = ()
    scheduled_for: datetime | None = None


class SendingFrozen(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal has documents with our keys that this ledger never sent: it is behind, as after a restore.

    Nothing is sent until a person resumes the store. `numbers`: some of them; `since`: from when on Jurnal was read.
    """

    documents: int
    numbers: tuple[str, ...]
    since: datetime


class DuplicateDeletionRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A person asked to delete a proven duplicate, and to keep the document `kept_id`."""

    difference_id: str
    resource: str
    jurnal_id: int
    kept_id: int
    command_id: str
    transaction_no: str
    business_date: date
    amount: Decimal | None
    actor: str
    reason: str


class DocumentResendRequested(msgspec.Struct, frozen=True, kw_only=True):
    """A person asked to send again, under the same identity, what Jurnal accepted and has no more."""

    difference_id: str
    command_id: str
    actor: str
    reason: str


class DifferenceAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """A person said that a difference, as it was found at that position, is as it should be. Nothing is sent for it."""

    difference_id: str
    found_at: int
    actor: str
    reason: str


DifferenceFact = (
    DocumentFoundMissing
    | DocumentFoundTwice
    | DocumentFoundAltered
    | DocumentFoundUnknown
    | InvoiceFoundPaidDifferently
    | CreditFoundUsedDifferently
)
RepairFact = DuplicateDeletionRequested | DocumentResendRequested
DecidedFact = RepairFact | DifferenceAccepted
ReconciliationFact = DifferenceFact | DifferenceResolved | RangeReconciled | SendingFrozen | DecidedFact
