"""What is compared with what, and what differs. Pure: lists of Jurnal on one side, commands on the other.

Documents of the ledger are compared by the business date of their line in the Accounting Sync list, all others by their
date in Jurnal. A list only raises a doubt; what is missing or altered is read once more before it is said.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from eventstore.facts.reconciliation import (
    ComparedDocument,
    DocumentFoundAltered,
    DocumentFoundMissing,
    DocumentFoundTwice,
    DocumentFoundUnknown,
    ForeignDocuments,
    InvoiceFoundPaidDifferently,
)
from projections.jurnal_commands.booked import Booked
from projections.jurnal_commands.commands import (
    AdjustStock,
    BookInvoice,
    Command,
    CreateCustomer,
    CreateProduct,
    DeleteDuplicate,
    DeleteInvoice,
    DepositPayout,
    IssueCreditMemo,
    PostJournal,
    ReceivePayment,
    TransferStock,
    UpdateInvoice,
    WithdrawPayoutFee,
)
from service.jurnal.comparing import AMOUNT_DIFFERENCE_IDR_MAX
from service.jurnal.documents import matches
from service.jurnal.listing import ListedDocument, amount_in
from service.jurnal.mark_of import store_of
from service.jurnal.reading import Record, id_of, read_decimal, rows_of, text_of
from service.jurnal.resources import (
    CREDIT_MEMOS,
    RECEIVE_PAYMENTS,
    SALES_INVOICES,
    SALES_RETURNS,
    Resource,
    number_of,
    resource_of,
)

# They make no document of their own, or none that belongs to a day.
_NOT_COMPARED = (CreateCustomer, CreateProduct, UpdateInvoice, DeleteInvoice, DeleteDuplicate)
# They are looked up by a key of their own before they go again; a return or a use of a credit only a person can tell.
_FOUND_BY_KEY = (
    BookInvoice,
    ReceivePayment,
    TransferStock,
    AdjustStock,
    PostJournal,
    IssueCreditMemo,
    DepositPayout,
    WithdrawPayoutFee,
)
_ZERO = Decimal(0)


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A document that Jurnal accepted: it must be there as its last accepted change left it.

    `is_changed`: it is not what its own command asked for any more, which must not be sent again.
    """

    booked: Booked
    command: Command
    is_changed: bool = False

    @property
    def resource(self) -> Resource:
        """Return where it stands in Jurnal."""
        return resource_of(self.booked.command)

    @property
    def jurnal_id(self) -> int:
        """Return its id in Jurnal."""
        assert self.booked.document is not None, "what is expected was accepted"
        return self.booked.document.jurnal_id


class Both(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of a range: what is expected, all that Jurnal listed, and all commands that either names."""

    store_id: str
    first: date
    last: date
    expected: Sequence[Expected]
    listed: Sequence[ListedDocument]
    known: Mapping[str, Booked]
    owed: Mapping[str, Decimal]

    def holds(self, day: date | None) -> bool:
        """Tell whether a day is in the range."""
        return day is not None and self.first <= day <= self.last


def expected_in(commands: Mapping[str, Booked], first: date, last: date) -> list[Expected]:
    """Return the documents that must be in Jurnal; of a document with anything under way nothing is told yet."""
    unsettled = {booked.stream_id for booked in commands.values() if booked.under_way}
    accepted = [booked for booked in commands.values() if booked.state == "accepted"]
    gone = {booked.command.invoice for booked in accepted if isinstance(booked.command, DeleteInvoice)}
    changes = _last_changes(accepted)
    found = []
    for booked in accepted:
        is_of_the_range = booked.business_date is not None and first <= booked.business_date <= last
        if not is_of_the_range or booked.document is None or isinstance(booked.command, _NOT_COMPARED):
            continue
        if booked.stream_id in unsettled or booked.command_id in gone:
            continue
        change = changes.get(booked.command_id)
        found.append(Expected(booked=booked, command=change or booked.command, is_changed=change is not None))
    return found


def _last_changes(accepted: Iterable[Booked]) -> dict[str, UpdateInvoice]:
    last: dict[str, UpdateInvoice] = {}
    for booked in accepted:
        command = booked.command
        if isinstance(command, UpdateInvoice):
            known = last.get(command.invoice)
            last[command.invoice] = command if known is None or known.change < command.change else known
    return last


Marked = Mapping[tuple[str, str], Sequence[ListedDocument]]


def by_mark(documents: Iterable[ListedDocument]) -> Marked:
    """Return the documents that have a mark, by resource and mark."""
    marked: dict[tuple[str, str], list[ListedDocument]] = defaultdict(list)
    for document in documents:
        if document.mark is not None:
            marked[document.resource.plural, document.mark].append(document)
    return marked


def row_of(expected: Expected, marked: Marked) -> ListedDocument | None:
    """Return the listed document: by its id, else another one with its mark."""
    documents = marked.get((expected.resource.plural, expected.booked.command_id), ())
    by_id = (document for document in documents if document.jurnal_id == expected.jurnal_id)
    return next(by_id, documents[0] if documents else None)


def altered(expected: Expected, record: Record) -> list[str]:
    """Return how a document differs from what it must be, in words, as far as the record shows it."""
    command, command_id = expected.command, expected.booked.command_id
    differences = matches(command, command_id, record)
    if isinstance(command, BookInvoice):
        as_changed = UpdateInvoice(
            order_id=command.order_id,
            order_reference=command.order_reference,
            invoice=command_id,
            change=0,
            content=command,
        )
        differences += [each for each in matches(as_changed, command_id, record) if each not in differences]
    if isinstance(command, TransferStock) and not _shows_lines(record):
        differences = [each for each in differences if not each.startswith("quantity")]
    return differences


def wants_lines(expected: Expected, record: Record) -> bool:
    """Tell whether a row of a list leaves out what only the document itself shows: the goods of a transfer."""
    return isinstance(expected.command, TransferStock) and not _shows_lines(record)


def _shows_lines(record: Record) -> bool:
    return "warehouse_transfer_line_attributes" in record or "warehouse_transfer_lines_attributes" in record


def is_owed_differently(expected: Expected, record: Record, both: Both) -> bool:
    """Tell whether Jurnal shows another open amount of an invoice than the ledger."""
    owed = both.owed.get(_invoice_no(expected))
    remaining = read_decimal(record.get("remaining"))
    return owed is not None and remaining is not None and abs(owed - remaining) > AMOUNT_DIFFERENCE_IDR_MAX


def invoice_numbers(expected: Iterable[Expected]) -> list[str]:
    """Return the numbers of the invoices among them."""
    return [_invoice_no(each) for each in expected if isinstance(each.booked.command, BookInvoice)]


def _invoice_no(expected: Expected) -> str:
    return number_of(expected.booked.command, expected.booked.command_id)


def missing(expected: Expected) -> DocumentFoundMissing:
    """Return that a document is not in Jurnal; what was changed since must not be sent as it first was."""
    may_go_again = isinstance(expected.booked.command, _FOUND_BY_KEY) and not expected.is_changed
    return DocumentFoundMissing(document=_compared(expected, "missing", None, "resend" if may_go_again else ""))


def found_altered(expected: Expected, record: Record, differences: Sequence[str]) -> DocumentFoundAltered:
    """Return that a document was changed in Jurnal."""
    return DocumentFoundAltered(document=_compared(expected, "altered", record), differences=tuple(differences))


def paid_differently(expected: Expected, record: Record, both: Both) -> InvoiceFoundPaidDifferently:
    """Return that another amount of an invoice is open in Jurnal."""
    return InvoiceFoundPaidDifferently(
        document=_compared(expected, "paid_differently", record),
        ledger_remaining=both.owed[_invoice_no(expected)],
        jurnal_remaining=read_decimal(record.get("remaining")) or _ZERO,
    )


def _compared(
    expected: Expected, kind: str, record: Record | None, repair: Literal["", "resend"] = ""
) -> ComparedDocument:
    difference_id = f"{kind}:{expected.resource.plural}:{expected.booked.command_id}"
    return compared(expected, difference_id, record, repair)


def compared(
    expected: Expected, difference_id: str, record: Record | None, repair: Literal["", "resend"] = ""
) -> ComparedDocument:
    """Return what both sides say of a document; `record` as Jurnal shows it, None of what it has no more."""
    booked, resource = expected.booked, expected.resource
    assert booked.document is not None, "it was accepted"
    assert booked.business_date is not None, "it is of the range"
    return ComparedDocument(
        difference_id=difference_id,
        resource=resource.plural,
        business_date=booked.business_date,
        command_id=booked.command_id,
        jurnal_id=expected.jurnal_id if record is None else id_of(record),
        transaction_no=booked.document.transaction_no,
        ledger_amount=_asked_amount(expected),
        jurnal_amount=None if record is None else amount_in(resource, record),
        repair=repair,
    )


def _asked_amount(expected: Expected) -> Decimal | None:
    match expected.command:
        case UpdateInvoice(content=content):
            return content.total
        case BookInvoice(total=total):
            return total
        case _:
            assert expected.booked.document is not None
            return expected.booked.document.amount


def duplicates(both: Both) -> Iterator[DocumentFoundTwice]:
    """Return every document beyond the first with one mark. Proven is what has the key, the day and the amount."""
    for (_, mark), documents in by_mark(_ours(both.store_id, both.listed)).items():
        booked = both.known.get(mark)
        if len(documents) < 2 or (booked is not None and booked.under_way):
            continue
        known_id = booked.document.jurnal_id if booked is not None and booked.document is not None else None
        kept = next((one for one in documents if one.jurnal_id == known_id), None)
        kept = kept or min(documents, key=lambda one: one.jurnal_id)
        day = _day(kept, booked)
        if day is not None and both.holds(day):
            yield from (_twice(one, kept, mark, day) for one in documents if one is not kept)


def _twice(extra: ListedDocument, kept: ListedDocument, mark: str, day: date) -> DocumentFoundTwice:
    told = []
    if extra.amount is None or kept.amount is None:
        told.append("their amounts are not shown")
    elif extra.amount != kept.amount:
        told.append(f"amount is {extra.amount:f}, not {kept.amount:f}")
    if extra.dated != kept.dated:
        told.append(f"date is {extra.dated}, not {kept.dated}")
    if not (extra.is_keyed and kept.is_keyed):
        # Whoever copies a document in Jurnal copies its memo.
        one = "one of them" if extra.is_keyed != kept.is_keyed else "each of them"
        told.append(f"{one} has our memo, but not our key")
    return DocumentFoundTwice(
        document=ComparedDocument(
            difference_id=f"duplicate:{extra.resource.plural}:{extra.jurnal_id}",
            resource=extra.resource.plural,
            business_date=day,
            command_id=mark,
            jurnal_id=extra.jurnal_id,
            transaction_no=extra.number,
            ledger_amount=kept.amount,
            jurnal_amount=extra.amount,
            repair="" if told else "delete",
        ),
        kept_id=kept.jurnal_id,
        differences=tuple(told),
    )


class Unknown(msgspec.Struct, frozen=True):
    """A document of ours that the ledger did not book. `is_lost`: no send that this ledger knows can have made it.

    `is_due`: its command may go any time, and would book it twice.
    """

    fact: DocumentFoundUnknown
    is_lost: bool
    is_due: bool


def unknown(both: Both) -> Iterator[Unknown]:
    """Return the documents of the range with our mark that the ledger did not book."""
    return (
        each
        for each in unknown_of(both.store_id, both.listed, both.known)
        if both.holds(each.fact.document.business_date)
    )


def unknown_of(store_id: str, listed: Iterable[ListedDocument], known: Mapping[str, Booked]) -> Iterator[Unknown]:
    """Return the documents with a store's mark that it did not book; of several with one mark the oldest."""
    seen = set()
    for document in sorted(_ours(store_id, listed), key=lambda one: one.jurnal_id):
        mark = document.mark or ""
        booked = known.get(mark)
        why = _why_unknown(booked)
        day = _day(document, booked)
        if why is None or day is None or mark in seen:
            continue
        seen.add(mark)
        # A copy that a person makes has our memo; only we, or whoever uses the interface, give it our key.
        is_ours = document.is_keyed or document.resource == SALES_RETURNS
        is_due = booked is not None and booked.to_go
        yield Unknown(
            _found_unknown(document, day, why),
            is_lost=is_ours and (booked is None or is_due),
            is_due=is_ours and is_due,
        )


def _found_unknown(document: ListedDocument, day: date, why: str) -> DocumentFoundUnknown:
    return DocumentFoundUnknown(
        document=ComparedDocument(
            difference_id=f"unknown:{document.resource.plural}:{document.jurnal_id}",
            resource=document.resource.plural,
            business_date=day,
            command_id=document.mark,
            jurnal_id=document.jurnal_id,
            transaction_no=document.number,
            jurnal_amount=document.amount,
        ),
        reason=why,
    )


def _why_unknown(booked: Booked | None) -> str | None:
    if booked is None:
        return "The ledger has no command of this identity"
    if booked.never_sent:
        return "The ledger has not sent its command yet"
    if booked.to_go:
        return "Jurnal took no attempt of its command that the ledger knows of"
    if booked.under_way or booked.state in ("accepted", "skipped"):
        return None
    return f"Its command is {booked.state} in the ledger" + (f": {booked.reason}" if booked.reason else "")


def _ours(store_id: str, listed: Iterable[ListedDocument]) -> Iterator[ListedDocument]:
    return (one for one in listed if one.mark is not None and store_of(one.mark) == store_id)


def _day(document: ListedDocument, booked: Booked | None) -> date | None:
    return document.dated if booked is None or booked.business_date is None else booked.business_date


def foreign(both: Both) -> tuple[ForeignDocuments, ...]:
    """Count what is not ours at all; not what Jurnal itself makes of ours, nor a payment of an invoice of ours."""
    our_numbers = {one.number for one in both.listed if one.resource == SALES_INVOICES and one.mark is not None}
    sums: dict[str, list[Decimal]] = defaultdict(list)
    for one in both.listed:
        if one.mark is None and both.holds(one.dated) and not _is_of_ours(one, our_numbers):
            sums[one.resource.plural].append(one.amount or _ZERO)
    return tuple(ForeignDocuments(name, len(each), sum(each, _ZERO)) for name, each in sorted(sums.items()))


def _is_of_ours(document: ListedDocument, our_numbers: set[str]) -> bool:
    if document.resource == RECEIVE_PAYMENTS:
        return any(text_of(row, "transaction_no") in our_numbers for row in rows_of(document.record, "records"))
    # The credit memo of a return has no account lines: Jurnal makes it.
    return document.resource == CREDIT_MEMOS and not rows_of(document.record, "transaction_account_lines_attributes")
