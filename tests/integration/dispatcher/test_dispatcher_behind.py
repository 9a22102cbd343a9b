"""The payment of a sale that Jurnal refused is held, says why, and goes by itself once the sale does."""

from datetime import date

import msgspec
import pytest

from eventstore.facts.answers import LACKS_PRODUCT
from eventstore.facts.operators import CommandReleased, ProductsImportRequested, RecordSkipped
from service.sync_wording import wording
from tests.integration.dispatcher.stand import Stand
from tests.integration.dispatcher.test_dispatcher_planned_anew import INVOICE, NEXT_DAY, no_difference, word
from tests.story import line, paid
from tests.unit.projections.test_products_planned_anew import TEA

SALE, PAYMENT = "sale-order-1", "payment-order-1-t1"
BEHIND = ("Waits for sale #3101-1001, which failed", "Mend that one: this goes by itself then")


@pytest.fixture
async def refused(stand: Stand) -> Stand:
    """Give a sale that Jurnal refused for a product it lacks; its payment came a day later."""
    await stand.order(1, order_details=[line("TEA", 2, 10_000)])
    await stand.until_quiet(stand.process())
    await stand.order(1, order_details=[line("TEA", 2, 10_000)], transactions=[paid("t1", 20_000, **NEXT_DAY)])
    await stand.until_quiet(stand.process())
    return stand


async def test_the_payment_of_a_refused_sale_is_held_and_goes_when_that_is_mended(
    refused: Stand, database_url: str
) -> None:
    """Held with words that name the sale, whatever else keeps the store; then both are booked, each once."""
    (answer,) = await refused.told("CommandRefused")
    assert answer["fields"] == [f"{LACKS_PRODUCT}TEA"]
    assert await refused.statuses() == {SALE: "Failed", PAYMENT: "Held"}
    words = wording((await refused.records())[PAYMENT], paused="by owner: stock count", waits="Jurnal is down")
    assert (words.reason, words.what_to_do) == BEHIND
    await no_difference(refused, database_url)
    asked = ProductsImportRequested(
        products=(msgspec.structs.replace(TEA, stock=()),), stock_date=date(2026, 11, 20), actor="owner", reason="new"
    )
    await word(refused, asked, "products-import", "import:1")
    await refused.advance(60)
    await refused.until_quiet(refused.process())
    assert set((await refused.statuses()).values()) == {"Success"}
    assert (refused.documents("sales_invoice"), refused.documents("receive_payment")) == (1, 1)
    await no_difference(refused, database_url)


async def test_the_payment_of_a_refused_sale_that_is_retried_is_pending_until_that_is_refused_again(
    refused: Stand,
) -> None:
    """Nothing was mended: held again, without a word about the payment."""
    await word(refused, CommandReleased(command_id=INVOICE, actor="o", reason="r"), "order-order-1", "r")
    assert (await refused.statuses())[PAYMENT] == "Pending"
    await refused.until_quiet(refused.process())
    assert await refused.statuses() == {SALE: "Failed", PAYMENT: "Held"}


async def test_the_payment_of_a_refused_sale_is_skipped_with_it(refused: Stand) -> None:
    """A person booked the sale by hand: nothing is held any more, and nothing is sent."""
    await word(refused, RecordSkipped(record_id=SALE, actor="owner", reason="by hand"), "order-order-1", "skip:1")
    assert set((await refused.statuses()).values()) == {"Skipped"}
    await refused.until_quiet(refused.process())
    assert refused.documents("receive_payment") == 0
