"""`jurnalsync reconcile`: the real command beside a service that folds, with a real Jurnal."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.command_line import TOKEN, Ended, jurnalsync
from tests.integration.dispatcher.stand import Stand
from tests.ledger import STORE

INVOICE = f"inv-{STORE}.order-1"
RANGE = ("--store", STORE, "--from", "2026-11-18", "--to", "2026-11-23")
REAL_CLOCK = """
CREATE OR REPLACE FUNCTION jurnalsync_clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()'
"""


@pytest.fixture
async def booked(stand: Stand, database_url: str, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """Give the environment of a command: a sale was booked and deleted in Jurnal, and somebody folds."""
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    await stand.migrator.execute(REAL_CLOCK)
    stand.shop.clock.at = datetime.now(UTC)
    key = tmp_path / "sealing.key"
    key.write_text(bytes(range(32)).hex(), encoding="ascii")
    folding = asyncio.create_task(_fold_on(stand))
    yield {
        "JURNALSYNC_DATABASE_URL": database_url,
        "JURNALSYNC_API_TOKEN": TOKEN,
        "JURNALSYNC_SEALING_KEY_FILE": str(key),
        "JURNALSYNC_JURNAL_BASE_URL": stand.url,
    }
    folding.cancel()
    await asyncio.gather(folding, return_exceptions=True)


async def _fold_on(stand: Stand) -> None:
    while True:
        await stand.fold()
        await asyncio.sleep(0.1)


async def reconcile(environment: dict[str, str], *more: str) -> Ended:
    """Run the command over the range."""
    return await jurnalsync("reconcile", *RANGE, *more, **environment)


async def test_what_differs_is_shown_with_both_sides_and_what_to_do(booked: dict[str, str]) -> None:
    """A line a difference, a sentence for the rest, and exit code 1."""
    ended = await reconcile(booked)
    assert (ended.code, ended.err) == (1, "")
    assert "missing" in ended.out
    assert "Jurnal accepted it and has it no more." in ended.out
    assert "1 documents of 2026-11-18 to 2026-11-23 compared; 1 differ." in ended.out


async def test_a_repair_is_asked_for_with_name_and_reason(stand: Stand, booked: dict[str, str]) -> None:
    """As JSON: the difference with what becomes of it, then the summary; the word stands in the ledger."""
    refused = await reconcile(booked, "--repair")
    assert refused.code == 2
    assert "--actor and --reason" in refused.err
    ended = await reconcile(booked, "--repair", "--actor", "accountant", "--reason", "by mistake", "--json")
    difference, summary = map(json.loads, ended.out.splitlines())
    assert (difference["kind"], difference["repair"], difference["repair_at"] > 0) == ("missing", "resend", True)
    assert summary["repairs"] == [difference["difference_id"]]
    (word,) = await stand.told("DocumentResendRequested")
    assert (word["actor"], word["command_id"]) == ("accountant", INVOICE)


async def test_what_a_person_accepts_is_told_with_name_and_reason(stand: Stand, booked: dict[str, str]) -> None:
    """By the id that a comparison shows, without a call to Jurnal; what does not stand is refused in words."""
    shown = await reconcile(booked, "--json")
    difference_id = json.loads(shown.out.splitlines()[0])["difference_id"]
    word = ("--store", STORE, "--actor", "accountant", "--reason", "a test sale")
    refused = await jurnalsync("differences", "accept", *word, difference_id, "missing:nothing", **booked)
    assert (refused.code, "nothing was accepted: no difference missing:nothing stands" in refused.err) == (1, True)
    calls = sum(stand.sandbox.calls.values())
    ended = await jurnalsync("differences", "accept", *word, difference_id, **booked)
    assert (ended.code, ended.out) == (0, "1 of 1 are accepted now; the others were before.\n")
    assert sum(stand.sandbox.calls.values()) == calls
    (told,) = await stand.told("DifferenceAccepted")
    assert (told["actor"], told["reason"], told["difference_id"]) == ("accountant", "a test sale", difference_id)
