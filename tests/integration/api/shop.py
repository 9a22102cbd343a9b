"""One store as the API sees it, answered by plain functions as wiring hands them in, and how tests ask."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient

from eventstore.event import Fact
from eventstore.facts.settings import SalesRulesSet
from service.api.responses import (
    Problem,
)
from service.api.routes import api_routes
from service.api.rows import (
    ApiActions,
    ApiQueries,
    Decided,
    Decision,
    Difference,
    DifferenceFilter,
    DifferenceKind,
    Finding,
    InTransitFilter,
    InTransitRow,
    Invoice,
    InvoiceCount,
    InvoiceFilter,
    JurnalDocument,
    LiveMode,
    NotDecided,
    NotReady,
    PaidStatus,
    Paused,
    Preflight,
    RetriedMany,
    Store,
    SyncAsked,
    SyncFilter,
    SyncPageFound,
    SyncPageWanted,
    SyncPlace,
    SyncRecord,
    SyncScope,
    SyncStatus,
    UnsettledDay,
)
from service.api.settings_routes import SettingsCalls, SettingsChanged, SettingsPatch, StoreSettingsPage

TOKEN = "a-token-of-one-test"
STORE = "kopi-nusantara"
TODAY = date(2026, 8, 10)
SEEN = datetime(2026, 8, 10, 3, 0, tzinfo=UTC)
STREAM = "order-4711"
BODY = b'{"order_reference":"S-1","total":1500.50,"customer_first_name":"sealed:abcdefghijklmnopqrstuv"}'
UNMAPPED = Finding(
    check="outlets", subject="Kelapa Gading Branch", problem="has no warehouse", what_to_do="map it to a warehouse"
)

FOUND: tuple[tuple[DifferenceKind, int], ...] = (("missing", 4711), ("missing", 4712), ("unknown", 4713))
DIFFERENCES = [
    Difference(
        difference_id=f"{kind}:sales_invoices:{number}",
        kind=kind,
        resource="sales_invoices",
        transaction_no=f"INV-{number}",
        jurnal_id=number,
        business_date=TODAY,
        ledger_amount=Decimal(20_000),
        jurnal_amount=None,
        what_happened="Jurnal accepted it and has it no more",
        what_to_do="Enter it",
        repair="",
        found_position=number,
        found_at=SEEN,
        accepted_position=0,
        accepted_by="",
        accepted_reason="",
    )
    for kind, number in FOUND
]

Client = TestClient[web.Request, web.Application]


def a_record(number: int, status: SyncStatus) -> SyncRecord:
    """Make one line of the Accounting Sync list."""
    return SyncRecord(
        record_id=f"sale-{number:03d}",
        kind="sale",
        reference=f"S-{number}",
        outlet="Main Outlet",
        date=TODAY,
        amount=Decimal("1500.50"),
        status=status,
        reason="the product is not known" if status == "Failed" else "It is in Jurnal",
        what_to_do="add it in Jurnal" if status == "Failed" else "Nothing",
        documents=(JurnalDocument(resource="sales_invoice", jurnal_id=number, transaction_no=f"INV-{number}"),),
        updated_position=number,
    )


def an_invoice(number: int, status: PaidStatus, due_in_days: int) -> Invoice:
    """Make one invoice of 100, due some days from today."""
    paid = {"Open": Decimal(0), "Partial": Decimal("40.00"), "Paid": Decimal("100.00")}[status]
    return Invoice(
        order_id=f"order-{number:03d}",
        order_reference=f"S-{number}",
        transaction_no=f"INV-S-{number}",
        date=TODAY - timedelta(days=30),
        due_date=TODAY + timedelta(days=due_in_days),
        total=Decimal("100.00"),
        paid=paid,
        remaining=Decimal("100.00") - paid,
        status=status,
    )


def a_fact(version: int) -> Fact:
    """Make one fact of the stream."""
    return Fact(
        store_id=STORE,
        position=version * 10,
        stream_id=STREAM,
        stream_version=version,
        type="OrderReported",
        schema_version=1,
        source_id=f"order:4711:{version}",
        observed_at=SEEN,
        recorded_at=SEEN,
        body=BODY,
        sealed=b"ciphertext-of-the-name",
        metadata=b'{"channel":"webhook"}',
        hash=bytes([version]) * 32,
    )


RECORDS = [a_record(1, "Success"), a_record(2, "Failed"), a_record(3, "Held"), a_record(4, "Success")]
INVOICES = [
    an_invoice(1, "Open", 5),
    an_invoice(2, "Open", 0),
    an_invoice(3, "Open", -1),
    an_invoice(4, "Partial", -1),
    an_invoice(5, "Partial", 3),
    an_invoice(6, "Paid", -1),
]
IN_TRANSIT = [
    InTransitRow(
        transfer_id=transfer,
        transfer_number=f"TO-{transfer}",
        sku=sku,
        sent=Decimal("5.0000"),
        received=Decimal("2.0000"),
        returned=Decimal("0.0000"),
        rejected=Decimal("0E-4"),
        in_transit=Decimal("3.0000"),
    )
    for transfer, sku in [("t1", "BEAN"), ("t1", "CUP"), ("t2", "BEAN")]
]


class Shop:
    """What the one store of these tests holds, answered the way wiring answers it."""

    def __init__(self) -> None:
        self.findings: tuple[Finding, ...] = (UNMAPPED,)
        self.live_mode: LiveMode | None = None
        self.paused: Paused | None = None
        self.sync_requests: list[tuple[str, SyncScope, date, date, Decision]] = []
        self.pages_wanted: list[SyncPageWanted] = []
        self.decisions: list[tuple[str, str, Decision]] = []
        self.retries: list[tuple[SyncFilter, SyncPlace | None, int, Decision]] = []
        self.facts = [a_fact(version) for version in (1, 2, 3)]

    async def store(self, store_id: str) -> Store | None:
        """Know one store."""
        if store_id == "unreachable":
            raise ConnectionResetError("the database went away")
        if store_id == "broken":
            raise AssertionError("postgresql://owner:very-private@127.0.0.1")
        return Store(TODAY, self.paused, self.live_mode) if store_id == STORE else None

    async def sync_page(self, _store_id: str, wanted: SyncPageWanted) -> SyncPageFound:
        """Filter and page as the contract says; the list's own order is tested on its tables."""
        self.pages_wanted.append(wanted)
        chosen = wanted.filter
        rows = [
            row
            for row in RECORDS
            if (not chosen.statuses or row.status in chosen.statuses) and (not chosen.kinds or row.kind in chosen.kinds)
        ]
        behind = [row for row in rows if wanted.after is None or row.updated_position > wanted.after.at]
        last = behind[: wanted.rows_max][-1:]
        counts: dict[SyncStatus, int] = {"Success": 2, "Failed": 1, "Held": 1}
        return SyncPageFound(
            records=tuple(behind[: wanted.rows_max]),
            next=SyncPlace(last[0].updated_position, last[0].record_id) if len(behind) > wanted.rows_max else None,
            counts=counts if wanted.counted else {},
        )

    async def unsettled(self, _store_id: str) -> Sequence[UnsettledDay]:
        """Owe two days."""
        return [
            UnsettledDay(date=TODAY - timedelta(days=8), amount=Decimal("1500.50"), overdue=True),
            UnsettledDay(date=TODAY, amount=Decimal(500), overdue=False),
        ]

    async def in_transit(self, _store_id: str, wanted: InTransitFilter) -> Sequence[InTransitRow]:
        """Filter as the contract says."""
        rows = [row for row in IN_TRANSIT if (row.transfer_id, row.sku) > (wanted.after or ("", ""))]
        return rows[: wanted.rows_max]

    async def in_transit_totals(self, _store_id: str) -> Mapping[str, Decimal]:
        """Tell every SKU that travelled, as Postgres writes numbers."""
        return {"BEAN": Decimal("6.0000"), "CUP": Decimal("3.5000"), "TEA": Decimal("0.0000")}

    async def invoices(self, _store_id: str, wanted: InvoiceFilter) -> Sequence[Invoice]:
        """Filter as the contract says."""
        rows = [
            row
            for row in INVOICES
            if row.status in wanted.statuses
            and (wanted.due_before is None or row.due_date < wanted.due_before)
            and (wanted.due_from is None or row.due_date >= wanted.due_from)
            and row.transaction_no > (wanted.after_transaction_no or "")
        ]
        return rows[: wanted.rows_max]

    async def invoice_counts(self, _store_id: str, today: date) -> Sequence[InvoiceCount]:
        """Count one by one."""
        rounded = {"INV-S-1": Decimal("0.9"), "INV-S-4": Decimal("-0.1")}
        return [
            InvoiceCount(
                row.status,
                row.due_date < today,
                1,
                row.transaction_no in rounded,
                rounded.get(row.transaction_no, Decimal(0)),
            )
            for row in INVOICES
        ]

    async def differences(self, _store_id: str, wanted: DifferenceFilter) -> Sequence[Difference]:
        """List what differs."""
        found = [each for each in DIFFERENCES if each.difference_id > wanted.after and wanted.kind in (None, each.kind)]
        return found[: wanted.rows_max]

    async def stream(self, _store_id: str, stream_id: str, after_version: int, facts_max: int) -> Sequence[Fact]:
        """Read one stream."""
        facts = [fact for fact in self.facts if fact.stream_id == stream_id and fact.stream_version > after_version]
        return facts[:facts_max]

    async def preflight(self, _store_id: str) -> Preflight:
        """Tell what was found."""
        return Preflight(findings=self.findings, live_mode=self.live_mode)

    async def request_sync(
        self, store_id: str, scope: SyncScope, first: date, last: date, decision: Decision
    ) -> SyncAsked:
        """Note the request."""
        self.sync_requests.append((store_id, scope, first, last, decision))
        return SyncAsked(position=41 + len(self.sync_requests), retried=2, left=0)

    async def retry(self, _store_id: str, record_id: str, decision: Decision) -> Decided | NotDecided:
        """Retry what failed."""
        return self._decide("retry", record_id, decision)

    async def skip(self, _store_id: str, record_id: str, decision: Decision) -> Decided | NotDecided:
        """Skip what failed."""
        return self._decide("skip", record_id, decision)

    def _decide(self, what: str, record_id: str, decision: Decision) -> Decided | NotDecided:
        record = next((each for each in RECORDS if each.record_id == record_id), None)
        if record is None:
            return NotDecided(None)
        if record.status == "Success":
            return NotDecided("It is in Jurnal already.")
        self.decisions.append((what, record_id, decision))
        return Decided(positions=(7, 8))

    async def retry_many(
        self, _store_id: str, wanted: SyncFilter, after: SyncPlace | None, records_max: int, decision: Decision
    ) -> RetriedMany:
        """Note what is asked for."""
        self.retries.append((wanted, after, records_max, decision))
        return RetriedMany(
            retried=("sale-002",), untouched={"sale-009": "It is no use."}, left=3, next=SyncPlace(-4, "sale~1")
        )

    async def pause(self, _store_id: str, decision: Decision) -> int:
        """Send nothing."""
        self.paused = Paused(position=9, since=SEEN, actor=decision.actor, reason=decision.reason)
        return 9

    async def resume(self, _store_id: str, decision: Decision) -> int:
        """Go on."""
        self.decisions.append(("resume", "", decision))
        self.paused = None
        return 10

    async def activate_live_mode(self, _store_id: str, actor: str) -> LiveMode | NotReady:
        """Activate once, if nothing was found."""
        if self.live_mode is None:
            if self.findings:
                return NotReady(self.findings)
            self.live_mode = LiveMode(position=17, activated_at=SEEN, actor=actor)
        return self.live_mode


async def no_settings(_store_id: str) -> StoreSettingsPage:
    """Answer that nothing is set."""
    return StoreSettingsPage(
        version=0,
        store=None,
        outlets={},
        channels={},
        sales_accounts={},
        rules=SalesRulesSet(),
        books_closed=None,
        live_from=None,
    )


async def no_change(_store_id: str, _patch: SettingsPatch, version: int) -> SettingsChanged:
    """Change nothing."""
    return SettingsChanged(version=version, changes=())


NO_SETTINGS = SettingsCalls(read=no_settings, change=no_change)


def routes_over(shop: Shop, token: str, settings: SettingsCalls = NO_SETTINGS) -> list[web.RouteDef]:
    """Hand the shop's answers in as wiring does."""
    queries = ApiQueries(
        store=shop.store,
        sync_page=shop.sync_page,
        unsettled=shop.unsettled,
        in_transit=shop.in_transit,
        in_transit_totals=shop.in_transit_totals,
        invoices=shop.invoices,
        invoice_counts=shop.invoice_counts,
        differences=shop.differences,
        stream=shop.stream,
        preflight=shop.preflight,
    )
    actions = ApiActions(
        activate_live_mode=shop.activate_live_mode,
        request_sync=shop.request_sync,
        retry=shop.retry,
        skip=shop.skip,
        retry_many=shop.retry_many,
        pause=shop.pause,
        resume=shop.resume,
    )
    return api_routes(queries, actions, settings, token)


async def problem_of(client: Client, method: str, path: str, **arguments: Any) -> Problem:
    """Send a call that is refused, and read the refusal."""
    async with client.request(method, path, **arguments) as response:
        assert response.content_type == "application/problem+json"
        refusal = msgspec.json.decode(await response.read(), type=Problem)
        assert refusal.status == response.status
        return refusal


async def page_of(client: Client, path: str) -> Any:
    """Read a page that is answered."""
    async with client.get(path) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        return await response.json()


def of_store(path: str) -> str:
    """Return a path below the store."""
    return f"/v1/stores/{STORE}/{path}"


def every_route(app: web.Application) -> list[tuple[str, str]]:
    """List method and template of everything that is served."""
    return [(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None]
