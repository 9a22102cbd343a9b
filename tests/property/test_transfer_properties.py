"""Any history of transfers, told in any order and more than once, leaves every piece where it is: in both books."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.sandbox.jurnal import JurnalSandbox
from ops.sandbox.jurnal.accounts import Accounts
from ops.sandbox.jurnal.products import Products
from ops.sandbox.jurnal.references import Warehouses
from ops.sandbox.jurnal.stock_adjustments import StockAdjustments
from ops.sandbox.jurnal.warehouse_transfers import WarehouseTransfers
from projections.in_transit_stock.fold import InTransitRow
from projections.jurnal_commands.commands import DECODER, AdjustStock, Command, TransferStock
from projections.jurnal_commands.fold import CommandAdded
from service.jurnal.needs import Known, Need, needed
from service.jurnal.payloads import request_for
from tests.story import Story
from tests.unit.sandbox_jurnal.shop import SETTINGS

SKUS = ("LATTE", "MOCHA")
OUTLETS = {"main": "Main Warehouse", "branch": "Branch Warehouse"}
TRANSIT = "iSeller in Transit"
LOSS = "Waste Goods Expense"
BUY_PRICE = 4_000
FIRST = datetime(2026, 11, 20, 2, tzinfo=UTC)

Quantities = dict[str, int]


@dataclass
class Session:
    """One receipt: what is accepted, sent back and thrown away; `bare` tells one decision on all that remains."""

    accepted: Quantities
    cancelled: Quantities
    rejected: Quantities
    bare: str | None
    comes_back: "Journey | None" = None


@dataclass
class Journey:
    """One transfer with all its sessions; `return_of` is the identity of the one whose goods it brings back."""

    source: str
    goods: Quantities
    sessions: list[Session] = field(default_factory=list)
    identity: str = ""
    return_of: str | None = None

    @property
    def destination(self) -> str:
        """The other outlet."""
        return "branch" if self.source == "main" else "main"


@st.composite
def journeys(draw: st.DrawFn, source: str | None = None, goods: Quantities | None = None, depth: int = 2) -> Journey:
    """Draw a transfer whose goods are all decided on in up to three sessions."""
    outlet = source or draw(st.sampled_from(sorted(OUTLETS)))
    sent = goods or draw(st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1))
    journey, left = Journey(outlet, dict(sent)), dict(sent)
    for number in range(count := draw(st.integers(1, 3))):
        is_last = number == count - 1
        bare = draw(st.sampled_from((None, "Accept", "Cancel", "Reject"))) if is_last else None
        session = Session({}, {}, {}, bare)
        for sku, quantity in left.items():
            if bare is not None:
                {"Accept": session.accepted, "Cancel": session.cancelled, "Reject": session.rejected}[bare][sku] = (
                    quantity
                )
                continue
            session.cancelled[sku] = draw(st.integers(0, quantity))
            session.rejected[sku] = draw(st.integers(0, quantity - session.cancelled[sku]))
            rest = quantity - session.cancelled[sku] - session.rejected[sku]
            session.accepted[sku] = rest if is_last else draw(st.integers(0, rest))
        for part in (session.accepted, session.cancelled, session.rejected):
            for sku, quantity in part.items():
                left[sku] -= quantity
        left = {sku: quantity for sku, quantity in left.items() if quantity}
        # Beyond two returns of returns, goods that come back are taken whatever they look like.
        cancelled = {sku: quantity for sku, quantity in session.cancelled.items() if quantity}
        if cancelled and depth == 0:
            session.accepted = dict(Counter(session.accepted) + Counter(cancelled))
            session.cancelled, session.bare = {}, None
        elif cancelled:
            session.comes_back = draw(journeys(journey.destination, cancelled, depth - 1))
        if session.bare or any((*session.accepted.values(), *session.cancelled.values(), *session.rejected.values())):
            journey.sessions.append(session)
        if not left:
            break
    return journey


def reports_of(top: list[Journey], *, named: bool) -> list[dict[str, Any]]:
    """Return every state of every transfer that iSeller may report, oldest first."""
    reports: list[tuple[datetime, dict[str, Any]]] = []
    clock = FIRST

    def play(journey: Journey, identity: str, at: datetime) -> None:
        journey.identity = identity
        reports.append((at - timedelta(minutes=1), _report(journey, [], named=named)))
        actions = [_action(f"{identity}-s", "Start", at, [{"sku": s, "quantity": q} for s, q in journey.goods.items()])]
        reports.append((at, _report(journey, actions, named=named)))
        for number, session in enumerate(journey.sessions):
            at += timedelta(hours=1)
            name, lines = session.bare or "Accept", None
            if session.bare is None:
                lines = [
                    {
                        "sku": sku,
                        "accepted_quantity": session.accepted.get(sku, 0),
                        "cancelled_quantity": session.cancelled.get(sku, 0),
                        "rejected_quantity": session.rejected.get(sku, 0),
                    }
                    for sku in journey.goods
                ]
            actions = [*actions, _action(f"{identity}-{number}", name, at, lines)]
            reports.append((at, _report(journey, actions, named=named)))
            if session.comes_back is not None:
                session.comes_back.return_of = identity
                play(session.comes_back, f"{identity}r{number}", at + timedelta(seconds=5))

    for number, journey in enumerate(top):
        play(journey, f"t{number}", clock)
        clock += timedelta(minutes=20)
    return [report for _, report in sorted(reports, key=lambda told: told[0])]


def _action(identity: str, name: str, at: datetime, lines: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {"inventory_adjustment_id": identity, "action": name, "date": f"{at:%Y-%m-%dT%H:%M:%S}", "items": lines}


def _report(journey: Journey, actions: list[dict[str, Any]], *, named: bool) -> dict[str, Any]:
    return {
        "transfer_id": journey.identity,
        "transfer_number": journey.identity.upper(),
        "type": "Out",
        "out_type": "To Outlet",
        "outlet_id": journey.source,
        "destination_outlet_id": journey.destination,
        "inventory_adjustments": actions,
        **({"reference_transfer_id": journey.return_of} if named and journey.return_of else {}),
    }


def expected(top: list[Journey]) -> tuple[Counter[tuple[str, str]], int]:
    """Return the stock by warehouse and SKU, and how many pieces were lost, from the histories alone."""
    stock: Counter[tuple[str, str]] = Counter()
    lost = 0

    def follow(journey: Journey) -> None:
        nonlocal lost
        for session in journey.sessions:
            for sku, quantity in session.accepted.items():
                stock[OUTLETS[journey.destination], sku] += quantity
            lost += sum(session.rejected.values())
            if session.comes_back is not None:
                follow(session.comes_back)

    for journey in top:
        for sku, quantity in journey.goods.items():
            stock[OUTLETS[journey.source], sku] -= quantity
        follow(journey)
    return stock, lost


def booked_by_jurnal(story: Story) -> tuple[JurnalSandbox, Counter[tuple[str, str]]]:
    """Send every command to a sandbox company, in the order of lanes; return it and its stock."""
    sandbox = JurnalSandbox(SETTINGS, lambda: FIRST)
    company = sandbox.company
    accounts, products, warehouses = Accounts(company), Products(company), Warehouses(company)
    accounts.create({"name": "Goods Received", "number": "2-20205", "category_name": "Other Current Liabilities"})
    for name in (*OUTLETS.values(), TRANSIT):
        warehouses.create({"name": name, "code": name})
    for sku in SKUS:
        fields = {"name": sku, "product_code": sku, "unit_name": "Pcs", "track_inventory": True}
        products.create({**fields, "buy_price_per_unit": BUY_PRICE})
    registers = {"warehouse": company.warehouses, "product": company.products, "account": company.accounts}
    transfers, adjustments = WarehouseTransfers(company), StockAdjustments(company)
    for row in sorted(story.rows(CommandAdded), key=lambda row: (row.position, row.ordinal)):
        command: Command = DECODER.decode(row.body)
        ids = {need: _known(registers, need) for need in needed(command)}
        body = msgspec.json.decode(request_for(command, row.command_id, ids).body or b"")
        (fields,) = body.values()
        assert isinstance(command, TransferStock | AdjustStock)
        maker = transfers if isinstance(command, TransferStock) else adjustments
        maker.create(_exact(fields))
    held: Counter[tuple[str, str]] = Counter()
    for warehouse in company.warehouses:
        for product in company.products:
            held[warehouse.name, product.code or ""] += int(company.stock.on_hand(product, warehouse))
    return sandbox, held


def _known(registers: dict[str, Any], need: Need) -> Known:
    found = next(r for r in registers[need.kind] if (r.code if need.kind == "product" else r.name) == need.key)
    return Known(found.id, found.name)


def _exact(value: Any) -> Any:
    """Return JSON as the sandbox reads it: no binary fractions."""
    match value:
        case dict():
            return {key: _exact(part) for key, part in value.items()}
        case list():
            return [_exact(part) for part in value]
        case float():
            return Decimal(str(value))
        case _:
            return value


@settings(max_examples=60, deadline=None)
@given(top=st.lists(journeys(), min_size=1, max_size=3), named=st.booleans(), data=st.data())
def test_any_history_of_transfers_ends_with_every_piece_in_its_place(
    top: list[Journey], named: bool, data: st.DataObject
) -> None:
    """I3: sent = received + returned + rejected + in transit, in the projection and in Jurnal's stock and accounts."""
    told = list(enumerate(reports_of(top, named=named)))
    order = data.draw(st.permutations(told))
    again = data.draw(st.lists(st.sampled_from(told), max_size=3))
    story = Story()
    for minute, report in (*order, *again):
        story.report("transfer", report, observed_minute=minute)
        for row in story.rows(InTransitRow):
            assert row.sent == row.received + row.returned + row.rejected + row.in_transit
            assert min(row.received, row.returned, row.rejected, row.in_transit) >= 0
    stock, lost = expected(top)
    sandbox, held = booked_by_jurnal(story)
    assert {place: count for place, count in held.items() if count} == {p: c for p, c in stock.items() if c}
    in_transit = sum(row.in_transit for row in story.rows(InTransitRow))
    assert in_transit == sum(count for (warehouse, _), count in held.items() if warehouse == TRANSIT) == 0
    assert sandbox.exact_difference() == 0
    assert sandbox.exact_balances()[LOSS] == Fraction(lost * BUY_PRICE)
    assert len({row.command_id for row in story.rows(CommandAdded)}) == len(story.commands)
    assert "failed" not in story.states.values()
    assert "transfer_pending" not in {record.kind for record in story.records.values()}
