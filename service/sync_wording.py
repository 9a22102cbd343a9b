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
_LOOKED_UP = "Nothing: it is looked up in Jurnal, and goes again only if it is not there"
_TRIED_AGAIN = "Nothing more: it is tried again by itself"
# As the list's view says it; a reason of its own names the cause and may say that what is mended goes by itself.
_MEND = "Mend the cause, then retry it: "
_LET_GO = "To let it go again: "


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
    return _told(record)


def _told(record: ListedRecord) -> Wording:
    reason, what_to_do = _WORDS[record.status]
    match record.status, record.reason:
        case _, None:
            return Wording(reason, record.what_to_do or what_to_do)
        case "Processing", why:
            return Wording(f"It was sent, and whether Jurnal booked it is looked up: {why}", _LOOKED_UP)
        case "Pending", why:
            return Wording(why, _TRIED_AGAIN)
        case _, why:
            return Wording(why, (record.what_to_do or what_to_do).replace(_MEND, _LET_GO))


def paused_words(actor: str, reason: str) -> str:
    """Return by whom and why a store is paused."""
    return f"by {actor}: {reason}"
