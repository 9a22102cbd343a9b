"""What a line of the Accounting Sync list says to a shopkeeper: one plain sentence, and what to do. Pure."""

import msgspec

from projections.sync_status.queries import ListedRecord

_NOTHING = "Nothing"
_WORDS = {
    "Held": ("It waits", "Nothing: it goes by itself"),
    "Pending": ("It goes to Jurnal in its turn", "Nothing: it goes by itself"),
    "Processing": ("It is being sent to Jurnal", "Nothing: Jurnal's answer is awaited"),
    "Failed": ("It was not booked", "Mend the cause, then retry this record"),
    "Skipped": ("It is not booked", _NOTHING),
    "Superseded": ("Another record took its place", _NOTHING),
}


class Wording(msgspec.Struct, frozen=True):
    """A plain sentence, and what to do."""

    reason: str
    what_to_do: str


def wording(record: ListedRecord, *, paused: str | None, waits: str | None = None) -> Wording:
    """Return what to say of a line; `paused` says by whom and why the store sends nothing, None while it does.

    `waits`: why and until when the whole company's commands wait.
    """
    if record.status == "Success":
        numbers = [
            document.transaction_no or f"{document.resource} {document.jurnal_id}" for document in record.documents
        ]
        return Wording(f"It is in Jurnal as {', '.join(numbers)}" if numbers else "It is in Jurnal", _NOTHING)
    if record.status == "Pending" and paused is not None:
        return Wording(f"The store is paused {paused}", "Resume the store: jurnalsync store resume")
    if record.status == "Pending" and waits is not None:
        return Wording(waits, "Nothing: it goes by itself")
    reason, what_to_do = _WORDS[record.status]
    return Wording(record.reason or reason, record.what_to_do or what_to_do)


def paused_words(actor: str, reason: str) -> str:
    """Return by whom and why a store is paused."""
    return f"by {actor}: {reason}"
