"""Orders, windows, shifts and settings in any order, repeated: a sale goes when its mode says so, once, and all go."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.facts.settings import OutletMapped, SalesRulesSet, SalesSync, SyncRequested, SyncWindowOpened
from projections.jurnal_commands.commands import BookInvoice, ReceivePayment
from projections.jurnal_commands.fold import CommandAdded
from tests.story import Story, full_order, paid

FIRST = datetime(2026, 11, 20, 1, tzinfo=UTC)
KIOSK = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")
MODES = {
    "real_time": SalesSync("real_time"),
    "shift_closing": SalesSync("shift_closing", ("23:30",)),
    "scheduled": SalesSync("scheduled", ("09:00", "18:00")),
}
REGISTERS = ("", "till-1", "till-2")
# Few hours on two days of the store, so that things often meet.
hours = st.sampled_from((0, 1, 2, 3, 20, 21))


@dataclass(frozen=True)
class Sale:
    """An order with its register, outlet, hour of completion and payments."""

    order_id: str
    register_id: str
    outlet_id: str
    hour: int
    payments: tuple[int, ...]

    @property
    def completed(self) -> datetime:
        """When it was closed at the outlet."""
        return FIRST + timedelta(hours=self.hour)


@dataclass(frozen=True)
class Told:
    """One thing that is told: of an order (draft, completed, paid), a window, a shift, a request or a setting."""

    what: str
    sale: Sale | None = None
    name: str = ""
    hour: int = 0


@dataclass
class Model:
    """Which sales are planned, by the written rule alone."""

    sales: list[Sale]
    mode: str = "real_time"
    mapped: set[str] = field(default_factory=lambda: {"main"})
    closed: dict[str, int] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    planned: set[str] = field(default_factory=set)

    def hear(self, told: Told) -> None:
        """Take one thing in."""
        waited = self._waiting()
        match told.what:
            case "completed" | "paid":
                assert told.sale is not None
                self.completed.add(told.sale.order_id)
            case "shift":
                self.closed[told.name] = max(told.hour, self.closed.get(told.name, -1))
            case "mode":
                self.mode = told.name
            case "kiosk":
                self.mapped.add("kiosk")
            case "window":
                self.planned |= {
                    sale.order_id
                    for sale in waited
                    if sale.hour <= told.hour and not (self.mode == "shift_closing" and sale.register_id)
                }
            case "request":
                day = (FIRST + timedelta(hours=told.hour + 7)).date()
                self.planned |= {s.order_id for s in waited if (s.completed + timedelta(hours=7)).date() == day}
        self.planned |= {sale.order_id for sale in self._waiting() if self._goes(sale)}

    def _waiting(self) -> list[Sale]:
        return [
            sale
            for sale in self.sales
            if sale.order_id in self.completed - self.planned and sale.outlet_id in self.mapped
        ]

    def _goes(self, sale: Sale) -> bool:
        if self.mode == "shift_closing" and sale.register_id:
            return sale.hour <= self.closed.get(sale.register_id, -1)
        return self.mode == "real_time"


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Sale], list[Told]]:
    """Draw sales, and everything that is told of them and around them, oldest first."""
    sales = [
        Sale(
            order_id=f"o{number}",
            register_id=draw(st.sampled_from(REGISTERS)),
            outlet_id=draw(st.sampled_from(("main", "main", "kiosk"))),
            hour=draw(hours),
            payments=tuple(draw(st.lists(st.integers(1, 12), max_size=2))),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    told = [Told(what, sale) for sale in sales for what in ("draft", "completed", "paid")]
    told += [Told("mode", name=name) for name in draw(st.lists(st.sampled_from(sorted(MODES)), min_size=1, max_size=2))]
    told += [Told("window", hour=hour) for hour in draw(st.lists(hours, max_size=3))]
    told += [Told("request", hour=hour) for hour in draw(st.lists(hours, max_size=1))]
    told += [
        Told("shift", name=name, hour=hour)
        for name, hour in draw(st.lists(st.tuples(st.sampled_from(REGISTERS[1:]), hours), max_size=4))
    ]
    return sales, [*told, Told("kiosk")]


def tell(story: Story, told: Told, minute: int) -> None:
    """Let one thing be told; iSeller observed it at its place in the oldest-first order."""
    at = FIRST + timedelta(hours=told.hour)
    match told.what:
        case "window":
            story.sync(SyncWindowOpened(scope="sales", until=at))
        case "request":
            day = (at + timedelta(hours=7)).date()
            story.sync(SyncRequested(scope="sales", first=day, last=day, actor="owner", reason="now"))
        case "shift":
            story.shift_closed(told.name, f"{at:%Y-%m-%dT%H:%M:%S}", shift_id=f"{told.name}-{told.hour}")
        case "mode":
            story.set(SalesRulesSet(sync=MODES[told.name]))
        case "kiosk":
            story.set(KIOSK)
        case _:
            assert told.sale is not None
            story.report("order", report_of(told.sale, told.what), observed_minute=minute)


def report_of(sale: Sale, what: str) -> dict[str, Any]:
    """Return what iSeller reports of an order, with the money it knows of by then."""
    moment = f"{sale.completed:%Y-%m-%dT%H:%M:%S}"
    payments = [
        paid(f"{sale.order_id}-{number}", amount * 1_000, transaction_date=moment)
        for number, amount in enumerate(sale.payments)
    ]
    return full_order(
        order_id=sale.order_id,
        order_reference=f"#{sale.order_id}",
        status="draft" if what == "draft" else "completed",
        order_date=moment,
        closed_date=moment,
        register_id=sale.register_id or None,
        outlet_id=sale.outlet_id,
        outlet_name=sale.outlet_id,
        transactions=payments if what == "paid" else [],
    )


def booked(story: Story) -> set[str]:
    """Return the orders whose invoice is planned."""
    return {command.order_id for command in story.commands if isinstance(command, BookInvoice)}


def end_of(story: Story) -> dict[str, tuple[object, ...]]:
    """Return each invoice as it is planned, with all money on it, however it came there."""
    money: dict[str, Decimal] = defaultdict(Decimal)
    for command in story.commands:
        if isinstance(command, BookInvoice):
            money[command.order_id] += command.deposit
        if isinstance(command, ReceivePayment):
            money[command.order_id] += command.amount
    return {
        each.order_id: (each.transaction_date, each.warehouse, each.lines, each.total, money[each.order_id])
        for each in story.commands
        if isinstance(each, BookInvoice)
    }


def finish(story: Story) -> None:
    """Let a person send all that still waits."""
    story.sync(
        SyncRequested(scope="sales", first=date(2026, 1, 1), last=date(2026, 12, 31), actor="owner", reason="all")
    )


@settings(max_examples=60, deadline=None)
@given(history=histories(), data=st.data())
def test_a_sale_goes_exactly_when_its_mode_says_so_in_any_order_of_facts(
    history: tuple[list[Sale], list[Told]], data: st.DataObject
) -> None:
    """After each fact the planned sales are those of a model that knows the rule alone; in the end all went alike."""
    sales, told = history
    numbered = list(enumerate(told))
    straight = Story()
    for minute, one in numbered:
        tell(straight, one, minute)
    finish(straight)
    shuffled, model = Story(), Model(sales)
    again = data.draw(st.lists(st.sampled_from(numbered), max_size=4))
    for minute, one in (*data.draw(st.permutations(numbered)), *again):
        tell(shuffled, one, minute)
        model.hear(one)
        assert booked(shuffled) == model.planned, one
    finish(shuffled)
    assert end_of(shuffled) == end_of(straight)
    assert set(end_of(straight)) == {sale.order_id for sale in sales}
    assert len({row.command_id for row in shuffled.rows(CommandAdded)}) == len(shuffled.commands)
    assert set(shuffled.states.values()) <= {"booking", "skipped"}
