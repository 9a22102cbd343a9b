"""A command that Jurnal has too little stock for is let go again by the next goods that come into its warehouse."""

from decimal import Decimal

import pytest

from eventstore.facts.answers import SHORT_OF_STOCK, Document
from eventstore.facts.operators import CommandParked, CommandReleased
from projections.jurnal_commands.commands import AdjustStock, BookInvoice, Command, ReturnLine, ReturnSale
from projections.jurnal_commands.decision import Planned, SyncRecord
from projections.jurnal_commands.fold import CommandFreed, CommandSettled
from projections.jurnal_commands.shortage import (
    Short,
    ShortOfStock,
    StockMoved,
    freed_by,
    short_key,
    stock_key,
    stock_states,
    with_short,
)
from tests.story import Story, line, own
from tests.unit.projections.transfer_reports import START, act, correction, decided, delivery, receipt, sent, transfer

INVOICE = "inv-kopi-nusantara.order-1"
TRANSFERRED = Document(resource="warehouse_transfers", jurnal_id=1)
ADJUSTED = Document(resource="stock_adjustments", jurnal_id=2)


def short(story: Story, command_id: str = INVOICE) -> None:
    """Let Jurnal refuse a command for want of stock."""
    story.refuse(command_id, "Insufficient stock", SHORT_OF_STOCK)


def sold_out(*skus: str) -> Story:
    """Return a shop whose first sale of these products Jurnal has no stock for."""
    story = Story()
    lines = [line(sku, price=10_000) for sku in skus or ("LATTE",)]
    amount = 10_000 * len(lines)
    story.order(order_details=lines, total_amount=amount, total_order_amount=amount)
    short(story)
    return story


def freed(story: Story) -> dict[str, int]:
    """Return the commands that were let go again, and by which position."""
    return {row.command_id: row.released_at for row in story.rows(CommandFreed)}


def found(story: Story, sku: str = "LATTE", outlet_id: str = "main", quantity: int = 3) -> str:
    """Let a count tell goods that nobody knew of; return the command that books them."""
    identity = f"c{len(story.facts)}"
    counted = correction(act(identity, "Adjustment", 20, sent(sku, quantity)), transfer_id=f"correction-{identity}")
    story.report("transfer", {**counted, "outlet_id": outlet_id})
    return f"adj-kopi-nusantara.{identity}"


def test_what_is_short_says_for_what_and_where() -> None:
    """With Jurnal's own words, and at most three products by name."""
    (settled,) = sold_out().rows(CommandSettled)
    assert settled.state == "refused"
    assert settled.reason == "Waits for stock of LATTE at Main Warehouse: Insufficient stock"
    assert settled.short_since is not None
    (settled,) = sold_out("A", "B", "C", "D", "E").rows(CommandSettled)
    assert settled.reason == "Waits for stock of A, B, C or 2 other products at Main Warehouse: Insufficient stock"


def test_another_refusal_is_no_want_of_stock() -> None:
    """It waits for a person, not for goods."""
    story = Story()
    story.order()
    story.refuse(INVOICE, "Unknown product", "product_code")
    story.accept(found(story), ADJUSTED)
    (settled, _) = story.rows(CommandSettled)[::-1]
    assert (settled.reason, settled.short_since) == ("Unknown product", None)
    assert freed(story) == {}


def test_goods_of_a_supplier_let_it_go_again() -> None:
    """Only once they are in Jurnal: planned is not there."""
    story = sold_out()
    story.report("transfer", delivery(receipt("d1", decided("LATTE", 3, buying_price=4_000)), transfer_id="delivery"))
    assert freed(story) == {}
    story.accept("adj-kopi-nusantara.d1", ADJUSTED)
    assert freed(story) == {INVOICE: len(story.facts)}


def test_a_transfer_into_the_warehouse_lets_it_go_again() -> None:
    """Goods that leave for transit are no inflow of the outlet; their arrival is."""
    story = Story()
    story.order(outlet_id="branch", outlet_name="Branch")
    short(story)
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 5))))
    story.accept("trf-kopi-nusantara.a0", TRANSFERRED)
    assert freed(story) == {}
    story.accept("trf-kopi-nusantara.a1", TRANSFERRED)
    assert freed(story) == {INVOICE: len(story.facts)}


@pytest.mark.parametrize(
    ("sku", "outlet_id"), [("MOCHA", "main"), ("LATTE", "branch")], ids=["another product", "another warehouse"]
)
def test_other_goods_let_nothing_go(sku: str, outlet_id: str) -> None:
    """It needs this product in this warehouse."""
    story = sold_out()
    story.accept(found(story, sku, outlet_id), ADJUSTED)
    assert freed(story) == {}


def test_stock_that_goes_out_lets_nothing_go() -> None:
    """A count that finds less is no inflow; one that finds more is."""
    story = sold_out()
    story.accept(found(story, quantity=-2), ADJUSTED)
    assert freed(story) == {}
    story.accept(found(story, quantity=2), ADJUSTED)
    assert list(freed(story)) == [INVOICE]


def test_goods_taken_back_let_it_go_again() -> None:
    """A return brings its products into its warehouse."""
    back = {
        stock_key("srn-1"): StockMoved(brings_to="Main Warehouse", brings=("LATTE",)),
        **with_short({}, INVOICE, Short("Main Warehouse", ("LATTE", "MOCHA"))),
    }
    shards, let_go = freed_by(back, "srn-1")
    assert let_go == (INVOICE,)
    assert shards == {short_key(INVOICE): ShortOfStock()}


def test_each_of_several_waits_for_its_own_goods() -> None:
    """What came in frees all that need it there and keeps all others, whatever their shard."""
    story = Story()
    for number in range(40):
        sku = "LATTE" if number % 2 else "MOCHA"
        story.order(order_id=f"o{number}", order_reference=f"#{number}", order_details=[line(sku, 2)])
        short(story, f"inv-kopi-nusantara.o{number}")
    story.accept(found(story), ADJUSTED)
    assert set(freed(story)) == {f"inv-kopi-nusantara.o{number}" for number in range(1, 40, 2)}


@pytest.mark.parametrize("word", [CommandParked, CommandReleased])
def test_what_a_person_took_in_hand_waits_for_no_goods(word: type[CommandParked | CommandReleased]) -> None:
    """A parked command is not let go by goods; a released one is on its way already."""
    story = sold_out()
    said = word(command_id=INVOICE, actor="owner", reason="mine")
    story.tell(own(said, "order-order-1", "word:1"))
    before = freed(story)
    story.accept(found(story), ADJUSTED)
    assert freed(story) == before


def test_a_later_refusal_for_another_reason_ends_the_waiting() -> None:
    """The last word counts."""
    story = sold_out()
    story.refuse(INVOICE, "Unknown product", "product_code")
    story.accept(found(story), ADJUSTED)
    assert freed(story) == {}


def test_a_transfer_waits_for_stock_at_its_source() -> None:
    """A transfer out of an empty shop goes when goods come in there."""
    story = Story()
    story.report("transfer", transfer(START))
    short(story, "trf-kopi-nusantara.a0")
    (settled,) = story.rows(CommandSettled)
    assert settled.reason is not None
    assert settled.reason.startswith("Waits for stock of LATTE")
    assert "Main Warehouse" in settled.reason
    story.accept(found(story), ADJUSTED)
    assert list(freed(story)) == ["trf-kopi-nusantara.a0"]


def test_only_stock_documents_keep_what_they_move() -> None:
    """An invoice's goods stand in its order; what a return brings, and an adjustment takes and brings, is kept."""
    story = Story()
    story.order()
    story.report("transfer", correction(act("c1", "Adjustment", 20, sent("BEAN", -1), sent("CUP", 2))))
    day = story.the(BookInvoice).transaction_date
    returned = ReturnSale(
        order_id="order-1",
        order_reference="#1",
        return_id="1",
        invoice=INVOICE,
        invoice_no="INV-1",
        transaction_date=day,
        warehouse="Main Warehouse",
        lines=(ReturnLine(product_code="LATTE", quantity=Decimal(1), rate=Decimal(10_000)),),
        amount=Decimal(10_000),
    )
    record = SyncRecord(record_id="r", kind="sale", reference="r")
    commands: dict[str, Command] = {
        "invoice": story.the(BookInvoice),
        "adjustment": story.the(AdjustStock),
        "return": returned,
    }
    planned = [Planned(command_id=name, command=each, lane="l", record=record) for name, each in commands.items()]
    assert stock_states(planned) == {
        stock_key("adjustment"): StockMoved("Main Warehouse", ("BEAN",), "Main Warehouse", ("CUP",)),
        stock_key("return"): StockMoved(brings_to="Main Warehouse", brings=("LATTE",)),
    }
