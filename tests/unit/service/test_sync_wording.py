"""What a line of the Accounting Sync list says: for every status one plain sentence, and what to do."""

from typing import Any, get_args

import pytest

from eventstore.facts.answers import Document
from projections.sync_status.queries import ListedRecord
from service.api.rows import SyncStatus
from service.sync_wording import Wording, paused_words, wording

STATUSES = get_args(SyncStatus)
BOOKED = Document(resource="sales_invoices", jurnal_id=7, transaction_no="INV-7")
UNNUMBERED = Document(resource="sales_returns", jurnal_id=8)
WAITS = "Jurnal is saving calls until 07:00"


def listed(status: str, **fields: Any) -> ListedRecord:
    """Return a line of a status."""
    told: dict[str, Any] = {
        "record_id": "sale-order-1", "kind": "sale", "reference": "#1", "updated": 3, "outlet": "Main Outlet",
        "business_date": None, "amount": None, "reason": None, "what_to_do": None, "documents": (),
    }  # fmt: skip
    return ListedRecord(**{**told, "status": status, **fields})


@pytest.mark.parametrize("reason", [None, "Outlet Kiosk is not mapped"])
@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_plain_sentence_and_what_to_do(status: str, reason: str | None) -> None:
    """Whether or not the record has a reason of its own; a reason that it has is told."""
    words = wording(listed(status, reason=reason), paused=None)
    assert words.reason
    assert words.what_to_do
    assert reason is None or status == "Success" or reason in words.reason


CASES: dict[str, tuple[ListedRecord, dict[str, Any], Wording]] = {
    "booked": (
        listed("Success", documents=(BOOKED, UNNUMBERED)),
        {},
        Wording("It is in Jurnal as INV-7, sales_returns 8", "Nothing"),
    ),
    "booked, its documents not listed": (listed("Success"), {}, Wording("It is in Jurnal", "Nothing")),
    "in its turn": (listed("Pending"), {}, Wording("It goes to Jurnal in its turn", "Nothing: it goes by itself")),
    "in a paused store": (
        listed("Pending"),
        {"paused": paused_words("owner", "stock count"), "waits": WAITS},
        Wording("The store is paused by owner: stock count", "Resume the store: jurnalsync store resume"),
    ),
    "while the company waits": (listed("Pending"), {"waits": WAITS}, Wording(WAITS, "Nothing: it goes by itself")),
    "tried again": (
        listed("Pending", reason="Jurnal's limit of the minute is reached"),
        {},
        Wording("Jurnal's limit of the minute is reached", "Nothing more: it is tried again by itself"),
    ),
    "not answered": (
        listed("Processing", reason="the connection broke"),
        {},
        Wording(
            "It was sent, and whether Jurnal booked it is looked up: the connection broke",
            "Nothing: it is looked up in Jurnal, and goes again only if it is not there",
        ),
    ),
    "held for a time": (
        listed("Held", reason="Waits for the sales sync of 2026-11-20 18:00"),
        {},
        Wording("Waits for the sales sync of 2026-11-20 18:00", "Nothing: it goes by itself"),
    ),
    "held for a person": (
        listed("Held", reason="Transfers of this store are sent by hand", what_to_do="Send a range of dates"),
        {},
        Wording("Transfers of this store are sent by hand", "Send a range of dates"),
    ),
    "failed for a setting": (
        listed("Failed", reason="No account is mapped", what_to_do="Name it in the set-up file"),
        {"paused": "by owner: stock count"},
        Wording("No account is mapped", "Name it in the set-up file"),
    ),
    "refused": (
        listed("Failed", reason="The tax is gone", what_to_do="Mend the cause, then retry it: jurnalsync sync retry x"),
        {},
        Wording("The tax is gone", "To let it go again: jurnalsync sync retry x"),
    ),
    "out of scope": (
        listed("Skipped", reason="Before Live Mode"),
        {},
        Wording("Before Live Mode", "Nothing"),
    ),
    "replaced": (listed("Superseded"), {}, Wording("Another record took its place", "Nothing")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_line_says_what_is_true_of_it_and_what_a_person_does(case: str) -> None:
    """Its own reason before that of its status; a pause or a wait only where the record is on its way."""
    record, about, words = CASES[case]
    assert wording(record, **{"paused": None, **about}) == words
