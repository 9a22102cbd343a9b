"""Commands of a made-up sale and what is given back of it, asked for without an order behind them."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from projections.jurnal_commands.commands import (
    ENCODER,
    ApplyCredit,
    BookInvoice,
    Command,
    CreateProduct,
    DeleteInvoice,
    InvoiceLine,
    IssueCreditMemo,
    JournalLine,
    PostJournal,
    RefundCredit,
    ReturnLine,
    ReturnSale,
    UpdateInvoice,
)
from projections.jurnal_commands.identity import command_id, transaction_no
from tests.integration.dispatcher.stand import COMPANY, Process, Stand
from tests.ledger import STORE

DAY = date(2026, 11, 20)
LANE = "order-o1"
API = "/public/jurnal/api/v1"


def latte(quantity: int, rate: int = 10_000) -> InvoiceLine:
    """Return a line of latte."""
    return InvoiceLine(product_code="LATTE", quantity=Decimal(quantity), rate=Decimal(rate))


def sale(order_id: str, *lines: InvoiceLine, deposit: int = 0) -> BookInvoice:
    """Return the invoice of an order, of which `deposit` was paid at once."""
    return BookInvoice(
        order_id=order_id,
        order_reference=f"#{order_id}",
        transaction_date=DAY,
        due_date=date(2026, 12, 20),
        warehouse="Main Warehouse",
        walk_in_contact="Walk-in",
        customer_id=None,
        lines=lines,
        header_discount=Decimal(0),
        total=sum((line.quantity * line.rate for line in lines), Decimal(0)),
        deposit=Decimal(deposit),
        deposit_account="Bank BCA" if deposit else None,
    )


SALE = sale("o1", latte(3), deposit=30_000)
SALE_ID = command_id(STORE, SALE)
OTHER = sale("o2", latte(1, 8_000))
OTHER_ID = command_id(STORE, OTHER)
ORDER = {"order_id": "o1", "order_reference": "#o1"}
CONTENT = sale(
    "o1", latte(2), InvoiceLine(product_code="MOCHA", quantity=Decimal(1), rate=Decimal(4_000)), deposit=24_000
)
UPDATE = UpdateInvoice(**ORDER, invoice=SALE_ID, change=1, content=CONTENT)
DELETE = DeleteInvoice(**ORDER, invoice=SALE_ID)
RETURN = ReturnSale(
    **ORDER,
    return_id="r1",
    invoice=SALE_ID,
    invoice_no=transaction_no(SALE_ID, "#o1"),
    transaction_date=DAY,
    warehouse="Branch Warehouse",
    lines=(ReturnLine(product_code="LATTE", quantity=Decimal(1), rate=Decimal(10_000)),),
    amount=Decimal(10_000),
)
RETURN_ID = command_id(STORE, RETURN)
CREDIT = IssueCreditMemo(
    **ORDER,
    credit_id="c1",
    transaction_date=DAY,
    walk_in_contact="Walk-in",
    customer_id=None,
    account="Sales Return",
    amount=Decimal("7000.50"),
)
REFUND = RefundCredit(
    **ORDER,
    refund_id="f1",
    source=RETURN_ID,
    transaction_date=DAY,
    walk_in_contact="Walk-in",
    customer_id=None,
    account="Bank BCA",
    amount=Decimal(6_000),
)
APPLY = ApplyCredit(
    **ORDER,
    apply_id="a1",
    source=RETURN_ID,
    invoice=OTHER_ID,
    invoice_no=transaction_no(OTHER_ID, "#o2"),
    walk_in_contact="Walk-in",
    customer_id=None,
    amount=Decimal(8_000),
)
JOURNAL = PostJournal(
    journal_id="o1:stored:t1",
    reference="#o1",
    transaction_date=DAY,
    lines=(
        JournalLine(account="Goods Received", debit=Decimal(5_000)),
        JournalLine(account="Bank BCA", credit=Decimal(5_000)),
    ),
)
PRODUCT = CreateProduct(
    product_code="KOPI-9",
    name="Kopi Sembilan",
    unit="Pcs",
    track_inventory=True,
    sell_price=Decimal("12500.50"),
    buy_price=Decimal(0),
    sell_account="Service Revenue",
)


@dataclass
class Asked:
    """A stand whose commands are put down as the fold would, each after the ones before it in its lane."""

    stand: Stand
    asked: int = field(default=0)

    async def ask(self, *commands: Command, lane: str = LANE) -> None:
        """Put commands down, to be sent now."""
        for command in commands:
            self.asked += 1
            identity = command_id(STORE, command)
            await self.stand.migrator.execute(
                """
                INSERT INTO command (store_id, command_id, company_id, stream_id, record_id, lane, position, ordinal,
                                     kind, body, needs, state)
                VALUES ($1, $2, $3, $4, $2, $4, 0, $5, $6, $7, '{}', 'due')
                """,
                STORE,
                identity,
                COMPANY.company_id,
                lane,
                self.asked,
                type(command).__name__,
                ENCODER.encode(command),
            )
            await self.stand.migrator.execute(
                """
                INSERT INTO send (store_id, command_id, company_id, state, attempt, due_at)
                VALUES ($1, $2, $3, 'due', 0, $4)
                """,
                STORE,
                identity,
                COMPANY.company_id,
                self.stand.clock.now(),
            )

    async def state_of(self, command: Command) -> tuple[str, str]:
        """Return what the fold knows of a command: its state, and why."""
        row = await self.stand.migrator.fetchrow(
            "SELECT state, reason FROM command WHERE command_id = $1", command_id(STORE, command)
        )
        assert row is not None
        return row["state"], row["reason"] or ""

    async def answer_to(self, command: Command) -> dict[str, object]:
        """Return the last word on an accepted command."""
        told = [
            fact
            for fact in await self.stand.told("CommandAccepted")
            if fact["attempted"]["command_id"] == command_id(STORE, command)
        ]
        (only,) = told
        assert isinstance(only, dict)
        return only


async def booked(asked: Asked, *commands: Command) -> Process:
    """Let commands be booked; return the process that has the lease."""
    process = asked.stand.process()
    await asked.ask(*commands)
    await asked.stand.until_quiet(process)
    for command in commands:
        assert await asked.state_of(command) == ("accepted", "")
    return process


def posts(stand: Stand, resource: str) -> int:
    """Return how often something was sent."""
    return stand.sandbox.calls["toko", "POST", f"{API}/{resource}"]
