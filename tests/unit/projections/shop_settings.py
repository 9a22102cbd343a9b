"""Settings of a made-up shop's sales, told as facts, and what was asked of Jurnal for its orders."""

from decimal import Decimal

import msgspec

from eventstore.facts.operators import RecordRetried, RecordSkipped
from eventstore.facts.registry import decode
from eventstore.facts.reports.orders import OrderReport
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    BooksClosed,
    ChannelMapped,
    Mapping,
    PaymentMapping,
    SalesRulesSet,
    Setting,
    StoreConnected,
    StoredValue,
)
from projections.changes.orders import OrderState, evolve_order
from projections.changes.settings import StoreSettings, evolve_settings
from projections.changes.shifts import Shifts
from projections.jurnal_commands.commands import BookInvoice, JournalLine, PostJournal, ReceivePayment
from projections.jurnal_commands.decide_orders import judge_order
from tests.story import CONNECTION, Story, own

VOUCHER = {"gateway": "voucher", "payment_type_name": "Voucher"}
POINTS = {"gateway": "points", "payment_type_name": "Points"}
STORED = (StoredValue("points", "Customer Points"), StoredValue("gift_card", "Gift Cards"))
WITH_VOUCHER = msgspec.structs.replace(
    CONNECTION, payments=(*CONNECTION.payments, PaymentMapping("voucher", "Bank BCA"))
)
TOKOPEDIA = ChannelMapped(
    channel="marketplace",
    channel_detail="tokopedia",
    channel_name="Tokopedia",
    warehouse="Online Warehouse",
    time_zone="Asia/Jayapura",
    payments=(PaymentMapping("custom", "Tokopedia Clearing"),),
)


def told(story: Story, setting: Mapping | BooksClosed) -> None:
    """Let a person change a setting."""
    story.tell(own(setting, SETTINGS_STREAM, f"setting:{len(story.facts) + 1}"))


def shop(rules: SalesRulesSet | None = None, connection: StoreConnected = CONNECTION) -> Story:
    """Return a live shop with these rules."""
    story = Story(connection=connection)
    if rules is not None:
        told(story, rules)
    return story


def word(story: Story, said: RecordRetried | RecordSkipped, order_id: str = "order-1") -> None:
    """Let a person say something about a record of an order."""
    story.tell(own(said, f"order-{order_id}", f"word:{len(story.facts) + 1}"))


def seen_to(story: Story, record_id: str) -> None:
    """Let a person see to a record by hand."""
    word(story, RecordSkipped(record_id=record_id, actor="owner", reason="booked by hand"))


def received(story: Story) -> list[tuple[str, int, str, str]]:
    """Return transaction, amount, account and date of every payment that is a document of its own."""
    return [
        (command.transaction_id, int(command.amount), command.account, command.transaction_date.isoformat())
        for command in story.commands
        if isinstance(command, ReceivePayment)
    ]


def invoices(story: Story) -> list[BookInvoice]:
    """Return every invoice."""
    return [command for command in story.commands if isinstance(command, BookInvoice)]


def journals(story: Story) -> list[PostJournal]:
    """Return every journal entry."""
    return [command for command in story.commands if isinstance(command, PostJournal)]


def money(story: Story) -> Decimal:
    """Return all money that was planned, deposits and payments."""
    deposits = [invoice.deposit for invoice in invoices(story)]
    payments = [command.amount for command in story.commands if isinstance(command, ReceivePayment)]
    return sum([*deposits, *payments], Decimal(0))


def moved(debit: str, credit: str, amount: int) -> tuple[JournalLine, ...]:
    """Return an entry's two sides."""
    return JournalLine(account=debit, debit=Decimal(amount)), JournalLine(account=credit, credit=Decimal(amount))


def waiting(story: Story) -> set[str]:
    """Return what the shop's orders wait for."""
    settings, orders = StoreSettings(), dict[str, OrderState]()
    for fact in story.facts:
        meaning = decode(fact)
        if isinstance(meaning, Setting):
            settings = evolve_settings(settings, meaning, fact.position)
        elif isinstance(meaning, OrderReport):
            orders[fact.stream_id] = evolve_order(orders.get(fact.stream_id), fact, meaning)
        for stream_id, order in orders.items():
            orders[stream_id], _ = judge_order(order, settings, fact, Shifts())
    return {need for order in orders.values() for need in order.needs()}
