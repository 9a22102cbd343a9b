"""One, two and four replicas on one company, at Jurnal's documented quota: the same books, no 429, no duplicate."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from ops.sandbox.jurnal import Consumer, FaultKind, SeededFaults
from projections.jurnal_commands.identity import invoice_command_id, transaction_no
from service.choosing import BatchLimits
from service.jurnal.pace import Limit
from service.quota import QuotaBudget
from tests.integration.dispatcher.stand import Process, Stand, open_stand
from tests.ledger import STORE
from tests.story import paid
from tests.unit.sandbox_jurnal.shop import CLIENT, SETTINGS

SALES = 32
ROUNDS_MAX = 400
CALLS_MINUTE, CALLS_HOUR = 30, 1_800
# What is not the service's own must not take from its quota.
ACCOUNTANT = Consumer(client_id="akuntan", client_secret="rahasia", limit_minute=None, limit_hour=None)
DOCUMENTED = replace(CLIENT, limit_minute=CALLS_MINUTE, limit_hour=CALLS_HOUR)
NEXT_DAY = "2026-11-21T02:00:00"


async def sell(stand: Stand) -> None:
    """Complete the sales; every second one is paid half at once and half a day later."""
    for number in range(1, SALES + 1):
        halves = [paid("t1", 10_000), paid("t2", 10_000, transaction_date=NEXT_DAY)]
        await stand.order(number, transactions=halves if number % 2 else [])


def replica(stand: Stand) -> Process:
    """Start a service that keeps to the documented quota, two documents a call."""
    limits = (Limit(CALLS_MINUTE, 60), Limit(CALLS_HOUR, 3_600))
    quota = QuotaBudget(
        stand.pool, egress_address="test", company_limits=limits, address_limits=(Limit(1_000_000, 60),)
    )
    return stand.process(calls=stand.calls(quota=quota), limits=BatchLimits(rows_max=2))


@pytest.mark.parametrize("replicas", [1, 2, 4])
async def test_replicas_that_share_a_company_book_the_same_without_a_429_or_a_duplicate(
    database_url: str, replicas: int
) -> None:
    """They step at once, sleep past their leases and take over from each other; one answer in six is lost."""
    settings = replace(SETTINGS, consumers=(ACCOUNTANT, DOCUMENTED))
    async with open_stand(database_url, settings=settings, connections_max=10) as stand:
        await stand.connect()
        await sell(stand)
        dice = Random(replicas)  # noqa: S311 - a seed that can be told and repeated
        stand.sandbox.inject(SeededFaults(replicas, {FaultKind.RESET_AFTER_COMMIT: 1 / 6}, methods=("POST",)))
        processes = [replica(stand) for _ in range(replicas)]
        senders: set[int] = set()
        for _ in range(ROUNDS_MAX):
            awake = dice.sample(range(replicas), dice.randint(1, replicas))
            done = await asyncio.gather(*(processes[each].step() for each in awake))
            senders |= {each for each, did in zip(awake, done, strict=True) if did.did == "sent"}
            await stand.fold()
            if set((await stand.statuses()).values()) == {"Success"}:
                break
            await stand.advance(dice.choice((0.1, 1, 3, 12)))
        assert len(senders) > replicas // 2, "hardly any took over from another, so nothing was tested"
        assert stand.sandbox.gate.quota_refusals == 0
        assert stand.sandbox.injected[FaultKind.RESET_AFTER_COMMIT] > 0
        await assert_same_books(stand)


async def assert_same_books(stand: Stand) -> None:
    """Every sale once, every payment once, to the rupiah."""
    assert set((await stand.statuses()).values()) == {"Success"}
    numbers = [
        transaction_no(invoice_command_id(STORE, f"order-{number}"), f"#3101-{1000 + number}")
        for number in range(1, SALES + 1)
    ]
    assert stand.sandbox.duplicates({"sales_invoice": numbers}) == {"sales_invoice": 0}
    documents = stand.sandbox.documents()
    assert documents["sales_invoice"] == SALES
    assert documents["receive_payment"] + documents.get("deposit_payment", 0) == SALES
    balances = stand.sandbox.exact_balances()
    assert balances["Accounts Receivable"] == 20_000 * SALES / 2
    assert stand.sandbox.exact_difference() == 0
