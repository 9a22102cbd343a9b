"""Products that Jurnal lacks: what waited for one goes once it is made, and nothing else."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from eventstore.facts.answers import LACKS_PRODUCT, Document
from eventstore.facts.operators import (
    CommandParked,
    CommandReleased,
    ImportedProduct,
    OpeningStock,
    ProductsImportRequested,
    RecordSkipped,
)
from eventstore.facts.settings import SalesAccountsMapped, SalesRulesSet
from projections.jurnal_commands.commands import AdjustStock, BookInvoice, CreateProduct
from projections.jurnal_commands.fold import CommandAdded, CommandFreed, CommandSkipped
from projections.sync_status.fold import RecordSeenTo
from tests.ledger import STORE
from tests.story import Story, line, own
from tests.unit.projections.shop_settings import told
from tests.unit.projections.test_planned_anew import anew
from tests.unit.projections.transfer_reports import START, transfer

TEA = ImportedProduct(
    product_id="p-tea",
    sku="TEA",
    name="Tea",
    unit="Cup",
    track_inventory=True,
    sell_price=Decimal(12_000),
    buy_price=Decimal(3_000),
    stock=(OpeningStock(outlet_id="main", quantity=Decimal(10), unit_price=Decimal(2_800)),),
)
MADE = Document(resource="products", jurnal_id=5)
RULES = SalesRulesSet(opening_account="Opening Balance")


def imported(story: Story, *products: ImportedProduct) -> None:
    """Let a person import products."""
    asked = ProductsImportRequested(products=products, stock_date=date(2026, 11, 20), actor="owner", reason="new store")
    story.tell(own(asked, "products-import", f"import:{len(story.facts) + 1}"))


def sold(story: Story, order_id: str, *skus: str) -> str:
    """Sell one of each and let Jurnal refuse the invoice for the products it has not; return the command."""
    lines = [line(sku, 1, 20_000 // len(skus)) for sku in skus]
    story.order(order_id=order_id, order_details=lines)
    invoice = f"inv-{STORE}.{order_id}"
    story.refuse(invoice, "no product", *(f"{LACKS_PRODUCT}{sku}" for sku in skus))
    return invoice


def made(story: Story, sku: str = "TEA") -> None:
    """Let Jurnal make a product."""
    story.accept(f"prd-{STORE}.{sku}", MADE)


def test_a_product_that_is_made_lets_go_exactly_what_waited_for_it() -> None:
    """Sales of it, with the body they had; not one that lacks another product, nor one that lacks an account."""
    story = Story()
    tea, both = sold(story, "o-tea", "TEA"), sold(story, "o-both", "MOCHA", "TEA")
    sold(story, "o-mocha", "MOCHA")
    story.order(order_id="o-account", order_details=[line("TEA", 1, 20_000)])
    story.refuse(f"inv-{STORE}.o-account", "no account")
    imported(story, TEA)
    assert anew(story) == {}
    made(story)
    assert {identity: refused for identity, (_, refused) in anew(story).items()} == {tea: True, both: True}
    assert story.rows(CommandFreed) == []


def test_a_transfer_that_lacked_a_product_goes_once_it_is_made() -> None:
    """Its receipt stands behind it."""
    story = Story()
    story.report("transfer", transfer(START))
    story.refuse(f"trf-{STORE}.a0", "no product", f"{LACKS_PRODUCT}TEA")
    imported(story, TEA)
    made(story)
    assert [refused for _, refused in anew(story).values()] == [True]


def test_what_went_already_is_not_let_go_again() -> None:
    """Released by a person, accepted, or refused since for something else."""
    story = Story()
    released, accepted, refused = (sold(story, f"o-{number}", "TEA") for number in range(3))
    word = CommandReleased(command_id=released, actor="owner", reason="made by hand")
    story.tell(own(word, "order-o-0", "release:1"))
    story.accept(accepted, Document(resource="sales_invoices", jurnal_id=1))
    story.refuse(refused, "no account")
    before = anew(story)
    imported(story, TEA)
    made(story)
    assert anew(story) == before


def test_what_cannot_be_planned_anew_goes_as_it_was_planned() -> None:
    """Jurnal has the invoice as it was, so it is not judged again: its parts first, then the change behind it."""
    story = Story()
    told(story, SalesRulesSet(cost_account="Cost of Sales"))
    set_of_tea = line("SET", 2, 10_000, product_type="composite", product_composites=[{"sku": "TEA", "quantity": 1}])
    story.order(order_details=[set_of_tea])
    parts, invoice = _ids(story)
    story.accept(invoice, Document(resource="sales_invoices", jurnal_id=7))
    story.order(order_details=[line("SET", 1, 15_000), line("LATTE", 1, 5_000)])
    story.refuse(parts, "no product", f"{LACKS_PRODUCT}TEA")
    imported(story, TEA)
    made(story)
    assert anew(story) == {}
    assert [row.command_id for row in story.rows(CommandFreed)] == [parts]
    before = len(story.facts)
    made(story)
    assert [row.released_at for row in story.rows(CommandFreed)] == [before]


def test_an_invoice_that_was_changed_before_it_was_sent_is_booked_as_it_is_by_now() -> None:
    """The change was never sent: it is superseded, also where the product is still missing."""
    story = Story()
    story.order(order_details=[line("TEA", 2, 10_000)])
    story.order(order_details=[line("TEA", 1, 15_000), line("LATTE", 1, 5_000)])
    invoice, change = _ids(story)
    story.refuse(invoice, "no product", f"{LACKS_PRODUCT}TEA")
    ((command, was_refused),) = anew(story).values()
    assert isinstance(command, BookInvoice)
    assert ([each.product_code for each in command.lines], was_refused) == (["TEA", "LATTE"], True)
    assert [(row.command_id, row.state) for row in story.lane] == [(invoice, "due"), (change, "superseded")]
    assert {key: row.state for key, row in story.listed.items()} == {
        "sale-order-1": "booking",
        "change-order-1-1": "superseded",
    }


def _ids(story: Story) -> list[str]:
    return [row.command_id for row in story.rows(CommandAdded)]


def test_a_product_on_a_wrong_account_goes_once_it_is_mapped_right() -> None:
    """The product; its opening stock stands behind it and would be the same."""
    story = Story()
    told(story, RULES)
    story.set(SalesAccountsMapped(scope="", account="Pendapatann"))
    imported(story, TEA)
    story.refuse(f"prd-{STORE}.TEA", "no account")
    story.set(SalesAccountsMapped(scope="", account="Pendapatan"))
    ((command, was_refused),) = anew(story).values()
    assert isinstance(command, CreateProduct)
    assert (command.sell_account, was_refused) == ("Pendapatan", True)


def test_opening_stock_on_a_wrong_account_goes_once_it_is_mapped_right() -> None:
    """The product itself is in Jurnal and stays as it is."""
    story = Story()
    told(story, RULES)
    imported(story, TEA)
    made(story)
    (opening,) = (identity for identity in _ids(story) if identity.startswith("adj-"))
    story.refuse(opening, "no account")
    told(story, msgspec.structs.replace(RULES, opening_account="Ekuitas Awal"))
    ((command, was_refused),) = anew(story).values()
    assert isinstance(command, AdjustStock)
    assert (command.account, was_refused) == ("Ekuitas Awal", True)


def test_a_refused_product_goes_as_it_is_imported_again() -> None:
    """With the name that it has by now; one that was not refused is not asked for twice."""
    story = Story()
    imported(story, TEA)
    story.refuse(f"prd-{STORE}.TEA", "name taken")
    imported(story, msgspec.structs.replace(TEA, name="Teh"))
    ((command, _),) = anew(story).values()
    assert isinstance(command, CreateProduct)
    assert command.name == "Teh"
    imported(story, msgspec.structs.replace(TEA, name="Teh Manis"))
    assert len(anew(story)) == 1
    assert len(story.commands) == 1


def test_a_product_that_a_person_saw_to_is_skipped_and_shown_as_such() -> None:
    """Neither a mapping nor the next import sends it again."""
    story = Story()
    imported(story, TEA)
    story.refuse(f"prd-{STORE}.TEA", "name taken")
    story.say(RecordSkipped(record_id="product-p-tea", actor="owner", reason="by hand"), "product-p-tea")
    assert [row.command_id for row in story.rows(CommandSkipped)] == [f"prd-{STORE}.TEA"]
    assert [row.record_id for row in story.rows(RecordSeenTo)] == ["product-p-tea"]
    story.set(SalesAccountsMapped(scope="", account="Pendapatan"))
    imported(story, TEA)
    assert anew(story) == {}


@pytest.mark.parametrize("sku", ["TEA", "Teh Manis/500 ml"])
def test_any_code_of_a_product_is_found_again(sku: str) -> None:
    """Also one that stands digested in its command's identity."""
    story = Story()
    invoice = sold(story, "o-1", sku)
    imported(story, msgspec.structs.replace(TEA, sku=sku, stock=()))
    (product,) = (identity for identity in _ids(story) if identity.startswith("prd-"))
    story.tell(own(CommandParked(command_id=product, actor="o", reason="r"), "product-p-tea", "park:1"))
    assert anew(story) == {}
    story.accept(product, MADE)
    assert set(anew(story)) == {invoice}
