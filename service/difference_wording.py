"""What a difference between the ledger and Jurnal means for a person, and what to do about it."""

from projections.differences.queries import Listed

_ASKED = "Nothing: somebody asked to repair it; `jurnalsync sync list` shows what becomes of it"

# Whatever a person did to them.
_WORDS_OF_MASTER_DATA = {
    "products": "Put it right in Jurnal, or its sales are refused: in use, under the code that iSeller has",
    "customers": "Put it right in Jurnal: in use, under the custom id it had, or sales to this customer are refused;"
    " under the name that iSeller has, with or without what stands in brackets behind it",
}


def what_happened(difference: Listed) -> str:
    """Return what is different, in a sentence."""
    match difference.kind:
        case "missing":
            return "Jurnal accepted it and has it no more"
        case "duplicate":
            proof = f", but {difference.detail}" if difference.detail else ""
            return f"It stands twice: {difference.jurnal_id} beside {difference.kept_id}{proof}"
        case "altered":
            return f"It was changed in Jurnal: {difference.detail}"
        case "unknown":
            return f"Jurnal has it with our key. {difference.detail}"
        case "used_differently":
            return f"Somebody refunded or used the credit by hand. {difference.detail}"
        case _:
            return f"Somebody paid, or took a payment back, by hand. {difference.detail}"


def what_to_do(difference: Listed) -> str:  # noqa: PLR0911 - one branch for each kind and repair
    """Return what a person can do about it."""
    if difference.accepted_at or difference.repair_at:
        return _decided(difference)
    if difference.resource in _WORDS_OF_MASTER_DATA:
        return _WORDS_OF_MASTER_DATA[difference.resource]
    match difference.kind, difference.repair:
        case "missing", "resend":
            return "Deleted by mistake: `reconcile --repair` sends it again under its identity. On purpose: accept it"
        case "missing", _:
            return "Enter it in Jurnal by hand: it was changed since it was made, or hangs on another document"
        case "duplicate", "delete":
            return f"`reconcile --repair` deletes {difference.jurnal_id} and keeps {difference.kept_id}"
        case "duplicate", _:
            return "Not proven to be one sale booked twice: look at both, and delete one in Jurnal if it is"
        case "altered", _:
            return "Put it right in Jurnal, or correct the sale in iSeller"
        case "unknown", _:
            return "After a restore: resume the store, and it is looked up. Else find out who made it"
        case "used_differently", _:
            return "Take the refund back in Jurnal, or tell it in iSeller"
        case _:
            return "Take the payment back in Jurnal, or tell it in iSeller"


def _decided(difference: Listed) -> str:
    if difference.repair_at:
        return _ASKED
    accepted = f"{difference.accepted_by} accepted it ({difference.accepted_reason})"
    return f"Nothing: {accepted}; it comes up again if it changes"
