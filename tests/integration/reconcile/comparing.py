"""Comparing the stand's store with its Jurnal, and documents that are made in Jurnal past the service."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from eventstore.facts.reconciliation import DifferenceFact
from ops.sandbox.jurnal.resource import Resource
from projections.jurnal_commands.queue import SendQueue
from service.comparison import Asked, Compared, Comparison
from service.jurnal_calls import JurnalCalls
from service.operations import Operations, Word
from service.people import People
from service.reconciliation_ledger import ReconciliationLedger
from service.repair import repair
from tests.integration.dispatcher.stand import COMPANY, Stand
from tests.ledger import STORE
from tests.story import CONNECTION

FIRST, LAST = date(2026, 11, 18), date(2026, 11, 23)
STEPS_MAX = 400
WORD = Word("accountant", "checked with the shop")


def begin(stand: Stand, calls: JurnalCalls | None = None, first: date = FIRST, last: date = LAST) -> Comparison:
    """Begin to compare a range."""
    ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    asked = Asked(store_id=STORE, company=COMPANY, zone=ZoneInfo(CONNECTION.time_zone), first=first, last=last)
    people = People(stand.reader, stand.keyring)
    return Comparison(stand.pool, SendQueue(stand.pool), calls or stand.calls(), ledger, people, asked)


async def compare(stand: Stand, calls: JurnalCalls | None = None, first: date = FIRST, last: date = LAST) -> Compared:
    """Compare a range to its end, and fold what was found."""
    comparison = begin(stand, calls, first, last)
    for _ in range(STEPS_MAX):
        waits = await comparison.step()
        if comparison.result is not None:
            await stand.fold()
            return comparison.result
        if waits is not None:
            await stand.advance(max(1.0, (waits.free_at - stand.clock.now()).total_seconds()))
    raise AssertionError("the comparison does not end")


async def ask_repair(stand: Stand) -> list[str]:
    """Let a person ask to repair all that can be; return what is asked."""
    operations = Operations(stand.pool, stand.reader, stand.appender, stand.clock)
    asked = await repair(stand.pool, operations, STORE, FIRST, LAST, WORD)
    await stand.fold()
    return [each.repair for each in asked]


def kinds(compared: Compared) -> list[str]:
    """Return the kinds of what was found."""
    return sorted(each.document.difference_id.partition(":")[0] for each in compared.found)


def only(compared: Compared) -> Any:
    """Return the one difference that was found."""
    (found,) = compared.found
    assert isinstance(found, DifferenceFact)
    return found


async def make_again(stand: Stand, plural: str, singular: str, patch: pytest.MonkeyPatch, **fields: object) -> Any:
    """Let Jurnal take a second document under keys that are used, as it does in a race."""
    with patch.context() as raced:
        raced.setattr(Resource, "check_keys", lambda *_keys, **_more: None)
        return await stand.shop.make(plural, singular, **fields)


def invoice_fields(**changes: object) -> dict[str, object]:
    """Return an invoice as the stand's first order makes it."""
    line = {"product_name": "Product LATTE", "quantity": 2, "rate": 10_000}
    fields: dict[str, object] = {
        "transaction_date": "2026-11-21",
        "due_date": "2026-12-21",
        "person_name": "Walk-in",
        "warehouse_name": "Main Warehouse",
        "transaction_lines_attributes": [line],
    }
    return fields | changes
