"""An intake on a real ledger, bodies of a made-up shop, and what stands in the ledger afterwards."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from eventstore.appender import Appender, AppenderLimits
from eventstore.clock import ManualClock
from eventstore.connection import Pool, open_pool
from eventstore.credentials import Credentials
from eventstore.event import Fact
from eventstore.facts.registry import REPORT_KINDS
from eventstore.keyring import Keyring, MasterKey
from eventstore.personal import persons_in, unseal
from eventstore.store import LedgerReader, open_ledger
from service.iseller.intake import Intake, Taken

STORE = "kopi-nusantara"
NOW = datetime(2026, 11, 20, 2, 54, 20, 47643, tzinfo=UTC)
MASTER = MasterKey(bytes(range(32)))
CUSTOMER_ID = "c0ffee00-0000-4000-8000-000000000001"
ORDER_ID = "0rder000-0000-4000-8000-000000000001"
# Every personal value of the bodies below; none may stand in clear in a row.
PERSONAL = ("Sari", "Contoh", "+62-000-555-0001", "sari@example.com", "Jalan Umpama 7", "tanpa gula", "Kasir Dua")


def order(**changes: object) -> dict[str, Any]:
    """Return a full order webhook of a registered customer."""
    return {
        "order_id": ORDER_ID,
        "order_reference": "#3101-1001",
        "channel": "pos",
        "order_date": "2026-11-20T02:50:00",
        "status": "completed",
        "payment_status": "paid",
        "fulfillment_status": "fulfilled",
        "notes": "tanpa gula",
        "outlet_id": "outlet-1",
        "customer_id": CUSTOMER_ID,
        "customer_first_name": "Sari",
        "customer_last_name": "Contoh",
        "customer_phone_number": "+62-000-555-0001",
        "customer_email": "sari@example.com",
        "billing": {"address1": "Jalan Umpama 7", "phone": "+62-000-555-0001"},
        "cashier_id": "cashier-2",
        "cashier_first_name": "Kasir Dua",
        "total_amount": 55000.5,
        "remaining_on_accoun": 0,
        "order_details": [{"order_detail_id": "l1", "sku": "KN-LATTE", "quantity": 2, "notes": "tanpa gula"}],
        "transactions": [],
        **changes,
    }


def thin_order(**changes: object) -> dict[str, Any]:
    """Return an order webhook with the confirmed keys only."""
    kept = ("order_id", "order_reference", "channel", "status", "payment_status", "fulfillment_status")
    return {**{key: order()[key] for key in kept}, "cancel_reason": None, **changes}


def payout(**changes: object) -> dict[str, Any]:
    """Return a completed payout."""
    return {
        "reference_id": "PO-1",
        "date": "2026-11-20T02:00:00",
        "status": "completed",
        "transactions_amount": 100000,
        "total_fees": 700,
        "total_deposit": 99300,
        "currency": "IDR",
        "outlet_id": None,
        **changes,
    }


def as_body(document: object) -> bytes:
    """Write JSON as iSeller might, spaces included."""
    return json.dumps(document, ensure_ascii=False).encode()


class Room:
    """Everything a test of the edge needs, on one database."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.clock = ManualClock(NOW)
        self.reader = LedgerReader(pool)
        # One attempt at a lost database: a test need not wait for it to come back.
        self.appender = Appender(pool, self.clock, AppenderLimits(reconnect_attempts_max=0))
        self.keyring = Keyring(pool, MASTER)
        self.credentials = Credentials(pool, MASTER)
        self.incidents: list[None] = []
        self.intake = Intake(
            self.reader, self.appender, self.keyring, self.clock, on_incident=lambda: self.incidents.append(None)
        )

    async def take(self, kind: str, body: bytes | dict[str, Any], *, observed_at: datetime | None = None) -> Taken:
        """Take one webhook's body, sent now unless told otherwise."""
        written = body if isinstance(body, bytes) else as_body(body)
        sent_at = observed_at or self.clock.now()
        return await self.intake.take(
            STORE, REPORT_KINDS[kind], written, observed_at=sent_at, metadata={"channel": "webhook"}
        )

    async def poll(self, kind: str, *documents: dict[str, Any], before: int | None = None) -> list[Taken]:
        """Take one answer's objects; `before` is the ledger's end before the request (now, unless given)."""
        position = (await self.reader.head(STORE)).position if before is None else before
        return await self.intake.take_polled(
            STORE,
            REPORT_KINDS[kind],
            [as_body(document) for document in documents],
            observed_at=self.clock.now(),
            metadata={"channel": "poll"},
            ledger_position_before=position,
        )

    async def facts(self) -> list[Fact]:
        """Return the whole ledger."""
        return await self.reader.read_after(STORE, 0, 10_000)

    async def unsealed(self, fact: Fact) -> bytes:
        """Return the body with every value that can still be opened."""
        keys = await self.keyring.known_keys(STORE, persons_in(fact.sealed))
        return unseal(fact.body, fact.sealed, keys, store_id=STORE)


@asynccontextmanager
async def open_room(database_url: str) -> AsyncIterator[Room]:
    """Open an empty ledger as the service's role."""
    pool = await open_pool(database_url, role="jurnalsync_service", connections_max=5)
    try:
        await open_ledger(pool, STORE, recorded_at=NOW)
        yield Room(pool)
    finally:
        await pool.close()
