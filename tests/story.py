"""Given, when, then: a made-up shop's ledger in memory, folded by every projection, each fact twice."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from eventstore.event import Fact, NewFact
from eventstore.facts.answers import Attempted, CommandAccepted, CommandRefused, Document
from eventstore.facts.incidents import PayloadUnreadable
from eventstore.facts.operators import RecordRetried, RecordSkipped
from eventstore.facts.registry import REPORT_KINDS, decode, encode
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    SYNC_STREAM_PREFIX,
    LiveModeActivated,
    OutletMapped,
    PaymentMapping,
    Setting,
    StoreConnected,
    SyncFact,
    TaxMapping,
)
from projections.catalogue import CATALOGUE
from projections.in_transit_stock.fold import InTransitRow
from projections.invoice_payment.fold import InvoiceRow
from projections.jurnal_commands.commands import DECODER, Command
from projections.jurnal_commands.fold import CommandAdded, StoredCommand
from projections.projection import Projection, Row, Table
from projections.store_settings.fold import SettingRemoved
from projections.sync_status.fold import RecordWithdrawn, SyncRecordRow
from tests.ledger import NOON, STORE

R = TypeVar("R", bound=Row)
C = TypeVar("C", bound=Command)

CONNECTION = StoreConnected(
    company_id="kopi-company",
    time_zone="Asia/Jakarta",
    iseller_url="https://kopi.example",
    iseller_fingerprint="aaaaaaaaaaaa",
    jurnal_fingerprint="bbbbbbbbbbbb",
    transit_warehouse="iSeller in Transit",
    walk_in_contact="Walk-in",
    clearing_account="iSeller Pay Clearing",
    payout_account="Bank BCA",
    mdr_account="iSeller Pay MDR",
    rounding_product_code="ISELLER-ROUNDING",
    term_days=30,
    taxes=(TaxMapping("11", "PPN"),),
    payments=(
        PaymentMapping("cash", "Cash"),
        PaymentMapping("external_debit", "Bank BCA", payment_type_name="EDC BCA"),
        PaymentMapping("iseller_pay", "iSeller Pay Clearing"),
    ),
    loss_account="Waste Goods Expense",
    goods_received_account="Goods Received",
    stock_adjustment_account="Inventory Adjustments",
)
MAIN = OutletMapped(outlet_id="main", outlet_name="Main Outlet", warehouse="Main Warehouse")
BRANCH = OutletMapped(outlet_id="branch", outlet_name="Branch", warehouse="Branch Warehouse")


def own(meaning: msgspec.Struct, stream_id: str, source_id: str) -> NewFact:
    """Return a fact of our own."""
    type_, version, body = encode(meaning)
    return NewFact(
        stream_id=stream_id, type=type_, schema_version=version, source_id=source_id, observed_at=NOON, body=body
    )


def reported(
    kind: str, number: int, observed_at: datetime, channel: str, fields: dict[str, Any], time_zone: int = 0
) -> NewFact:
    """Return the fact that iSeller reported `fields`."""
    known = REPORT_KINDS[kind]
    return NewFact(
        stream_id=known.stream_prefix + str(fields[known.id_field]),
        type=known.fact_type,
        schema_version=known.schema_version,
        source_id=f"{kind}:{number}",
        observed_at=observed_at,
        body=msgspec.json.encode(fields),
        metadata=msgspec.json.encode({"channel": channel, "time_zone": time_zone}),
    )


def line(sku: str = "LATTE", quantity: object = 1, price: object = 10_000, **fields: object) -> dict[str, Any]:
    """Return an order line without tax."""
    return {"sku": sku, "quantity": quantity, "base_price": price, "taxable": False, **fields}


def taxed(sku: str = "LATTE", quantity: object = 1, price: object = 10_000, **fields: object) -> dict[str, Any]:
    """Return an order line with 11 % tax."""
    return line(sku, quantity, price, **{"taxable": True, "tax_percentage": 11, **fields})


def paid(identity: str, amount: object, **fields: object) -> dict[str, Any]:
    """Return a successful cash sale transaction, inside an order (times UTC)."""
    return {
        "transaction_id": identity,
        "type": "sale",
        "status": "success",
        "gateway": "cash",
        "amount": amount,
        "transaction_date": "2026-11-20T18:31:00",
        **fields,
    }


def full_order(**fields: object) -> dict[str, Any]:
    """Return a full report of a completed order of Rp 20,000; 18:30 UTC is 01:30 of the next day in Jakarta."""
    return {
        "order_id": "order-1",
        "order_reference": "#3101-1001",
        "channel": "pos",
        "status": "completed",
        "order_date": "2026-11-20T18:30:00",
        "outlet_id": "main",
        "outlet_name": "Main Outlet",
        "total_order_amount": 20_000,
        "total_amount": 20_000,
        "order_details": [line(quantity=2)],
        "transactions": [],
        **fields,
    }


class Story:
    """A ledger told fact by fact. Every fact is folded twice and must say nothing new the second time."""

    def __init__(self, *, live: bool = True, connection: StoreConnected = CONNECTION) -> None:
        self.new_facts: list[NewFact] = []
        self.facts: list[Fact] = []
        self._states: dict[str, dict[str, msgspec.Struct]] = {name: {} for name in CATALOGUE}
        self._rows: dict[type[Row], dict[Any, Row]] = {}
        self._stored: dict[str, dict[Any, Row]] = {}
        self.tell(own(connection, SETTINGS_STREAM, "setting:1"))
        self.tell(own(MAIN, SETTINGS_STREAM, "setting:2"))
        self.tell(own(BRANCH, SETTINGS_STREAM, "setting:3"))
        if live:
            self.go_live()

    def go_live(self) -> None:
        """Activate Live Mode."""
        live = LiveModeActivated(actor="owner", activated_at=NOON)
        self.tell(own(live, SETTINGS_STREAM, f"setting:{len(self.facts) + 1}"))

    def report(
        self,
        kind: str,
        fields: dict[str, Any],
        *,
        observed_minute: int | None = None,
        channel: str = "webhook",
        time_zone: int = 0,
    ) -> None:
        """Let iSeller report `fields`; it observed them that many minutes after noon (default: in ledger order)."""
        number = len(self.facts) + 1
        minute = number if observed_minute is None else observed_minute
        observed_at = NOON + timedelta(minutes=minute)
        self.tell(reported(kind, number, observed_at, channel, fields, time_zone))

    def order(self, **fields: object) -> None:
        """Let iSeller report a full order."""
        self.report("order", full_order(**fields))

    def unreadable(self, kind: str, field: str, reason: str) -> None:
        """Let iSeller send a body of `kind` that cannot be read."""
        fact = PayloadUnreadable(kind=kind, field=field, reason=reason, payload="sealed:x")
        self.tell(own(fact, "unreadable-1", "unreadable:1"))

    def accept(self, command_id: str, document: Document) -> None:
        """Let Jurnal accept a command."""
        stream_id = next(row.stream_id for row in self.rows(CommandAdded) if row.command_id == command_id)
        answer = CommandAccepted(attempted=Attempted(command_id=command_id, attempt=1), document=document)
        self.tell(own(answer, stream_id, f"answer:{command_id}"))

    def refuse(self, command_id: str, reason: str, *fields: str) -> None:
        """Let Jurnal refuse a command."""
        stream_id = next(row.stream_id for row in self.rows(CommandAdded) if row.command_id == command_id)
        attempted = Attempted(command_id=command_id, attempt=1)
        answer = CommandRefused(attempted=attempted, reason=reason, fields=fields)
        self.tell(own(answer, stream_id, f"answer:{len(self.facts) + 1}"))

    def set(self, setting: Setting) -> None:
        """Change a setting."""
        self.tell(own(setting, SETTINGS_STREAM, f"setting:{len(self.facts) + 1}"))

    def sync(self, sync: SyncFact) -> None:
        """Let a sync window open, or a person ask for one."""
        self.tell(own(sync, f"{SYNC_STREAM_PREFIX}{sync.scope}", f"sync:{len(self.facts) + 1}"))

    def shift_closed(self, register_id: str, closed_date: str, *, shift_id: str = "shift-1") -> None:
        """Let iSeller report that a register's shift was closed (UTC)."""
        self.report(
            "register_shift",
            {"register_shift_id": shift_id, "register_id": register_id, "closed_date": closed_date},
        )

    def say(self, word: RecordRetried | RecordSkipped, stream_id: str) -> None:
        """Let a person say something about a record of a stream."""
        self.tell(own(word, stream_id, f"operator:{len(self.facts) + 1}"))

    def tell(self, new: NewFact) -> None:
        """Append one fact and fold it twice into every projection."""
        version = 1 + sum(fact.stream_id == new.stream_id for fact in self.facts)
        position = len(self.facts) + 1
        stored = {name: getattr(new, name) for name in new.__struct_fields__ if name != "expected_version"}
        fact = Fact(
            store_id=STORE, position=position, stream_version=version, recorded_at=NOON, hash=bytes(32), **stored
        )
        self.new_facts.append(new)
        self.facts.append(fact)
        for projection in CATALOGUE.values():
            self._fold(projection, fact)
        once = {name: dict(rows) for name, rows in (*self._rows.items(), *self._stored.items())}
        for projection in CATALOGUE.values():
            self._fold(projection, fact)
        twice = dict((*self._rows.items(), *self._stored.items()))
        assert twice == once, f"{fact.type} at {position} said something new when it was folded again"

    def rows(self, row_type: type[R]) -> list[R]:
        """Return the rows of one type, in the order of their keys."""
        kept = self._rows.get(row_type, {})
        return [row for _, row in sorted(kept.items()) if isinstance(row, row_type)]

    @property
    def commands(self) -> list[Command]:
        """Return the commands, in the order they must go."""
        added = sorted(self.rows(CommandAdded), key=lambda row: (row.position, row.ordinal))
        return [DECODER.decode(row.body) for row in added]

    @property
    def records(self) -> dict[str, SyncRecordRow]:
        """Return the lines of the Accounting Sync list by record id."""
        return {row.record_id: row for row in self.rows(SyncRecordRow)}

    @property
    def states(self) -> dict[str, str]:
        """Return the state of each record."""
        return {record_id: row.state for record_id, row in self.records.items()}

    @property
    def lane(self) -> list[StoredCommand]:
        """Return the commands as their table holds them, in the order they must go."""
        stored = [row for row in self._stored.get("command", {}).values() if isinstance(row, StoredCommand)]
        return sorted(stored, key=lambda row: (row.position, row.ordinal))

    @property
    def listed(self) -> dict[str, SyncRecordRow]:
        """Return the lines of the Accounting Sync list as their table holds them, by record id."""
        rows = self._stored.get("sync_record", {}).items()
        return {key: row for key, row in sorted(rows) if isinstance(row, SyncRecordRow)}

    def the(self, command_type: type[C]) -> C:
        """Return the only command of a type."""
        found = [command for command in self.commands if isinstance(command, command_type)]
        assert len(found) == 1, found
        return found[0]

    def needs(self, command_id: str) -> list[str]:
        """Return the commands that one must wait for, without those that they wait for themselves."""
        needs = {row.command_id: row.needs.split() for row in self.rows(CommandAdded)}
        implied = {other for need in needs[command_id] for other in needs.get(need, ())}
        return [need for need in needs[command_id] if need not in implied]

    def invoice(self) -> InvoiceRow:
        """Return the only invoice."""
        (row,) = self.rows(InvoiceRow)
        return row

    def in_transit(self) -> dict[str, tuple[int, int, int, int, int]]:
        """Return sent, received, returned, rejected and in transit by SKU."""
        return {
            row.sku: (int(row.sent), int(row.received), int(row.returned), int(row.rejected), int(row.in_transit))
            for row in self.rows(InTransitRow)
        }

    def _fold(self, projection: Projection, fact: Fact) -> None:
        states = self._states[projection.name]
        meaning = decode(fact)
        keys = projection.keys(fact, meaning)
        needed = {key: states[key] for key in keys if key in states}
        evolved = projection.evolve(needed, fact, meaning)
        decoder = msgspec.msgpack.Decoder(projection.state_type)
        for key, state in evolved.states.items():
            # Who folds the first fact of an order asks for no state of it.
            is_told = not key.startswith("order-") or any(each.stream_id == key for each in self.facts)
            assert is_told, f"{fact.type} of {fact.stream_id} wrote {key} before its first fact"
            # Through bytes, as the runner keeps them: a state that comes back different would show.
            states[key] = decoder.decode(msgspec.msgpack.encode(state))
        for table in projection.tables:
            self._merge(table, (row for row in evolved.rows if type(row) is table.row))
        tables = {table.row: table for table in projection.tables}
        for row in evolved.rows:
            self._store(tables[type(row)], row)

    def _store(self, table: Table, row: Row) -> None:
        """Do to a row what its statement does."""
        kept = self._stored.setdefault(table.target, {})
        key = table.key_of(row)
        stored = row if table.apply is None else table.apply(kept.get(key), row)
        if stored is not None:
            kept[key] = stored
        else:
            kept.pop(key, None)

    def _merge(self, table: Table, rows: Iterable[Row]) -> None:
        kept = self._rows.setdefault(table.row, {})
        for row in rows:
            key = table.key_of(row)
            if isinstance(row, RecordWithdrawn | SettingRemoved):
                self._rows.get(table.stored, {}).pop(key, None)
                continue
            kept[key] = table.merge(kept[key], row) if key in kept else row
