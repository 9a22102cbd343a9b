"""Every cause for which a record is not on its way to Jurnal, by name: what its line says, and what a person does."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed, SalesRulesSet, SalesSync, TransferSync
from tests.story import CONNECTION, Story, line, paid, taxed
from tests.unit.projections.shop_settings import told
from tests.unit.projections.taken_back import CASH, LATTES, RULES, given_back, polled, refund
from tests.unit.projections.test_payouts import payout
from tests.unit.projections.transfer_reports import START, act, correction, decided, delivery, receipt, sent, transfer

Tell = Callable[[Story], None]
KIOSK = {"outlet_id": "kiosk", "outlet_name": "Kiosk"}
TO_KIOSK = {"destination_outlet_id": "kiosk", "destination_outlet_name": "Kiosk"}
VOUCHER = paid("t1", 20_000, gateway="voucher")
STRICT = SalesRulesSet(closed_period="fail")


def order(**fields: object) -> Tell:
    """Return the telling of an order."""
    return lambda story: story.order(**{"order_details": LATTES, **fields})


def report(kind: str, fields: dict[str, Any]) -> Tell:
    """Return the telling of a report."""
    return lambda story: story.report(kind, fields)


def by(rules: SalesRulesSet, tell: Tell) -> Tell:
    """Return the same under these rules."""

    def ruled(story: Story) -> None:
        told(story, rules)
        tell(story)

    return ruled


def closed(tell: Tell) -> Tell:
    """Return the same in a period that is closed, where nothing may move out of it."""

    def in_closed(story: Story) -> None:
        told(story, BooksClosed(until=date(2026, 11, 30)))
        tell(story)

    return by(STRICT, in_closed)


def back(record: dict[str, Any], *money: dict[str, Any], without: str = "") -> Tell:
    """Return a sale and its refund, one of the accounts that it may need left out."""

    def tell(story: Story) -> None:
        told(story, msgspec.structs.replace(CONNECTION, loss_account=None))
        told(story, msgspec.structs.replace(RULES, **({without: None} if without else {})))
        story.order(order_details=LATTES, transactions=[CASH])
        polled(story, transactions=[CASH, *money], refunded_orders=[record])

    return tell


FAILED: dict[str, tuple[Tell, str]] = {
    "a line without a SKU": (order(order_details=[line(" ")]), "has no SKU"),
    "a tax that is not mapped": (order(order_details=[taxed(tax_percentage=7)]), "No Jurnal tax is mapped for 7 %"),
    "a total that the lines do not give": (order(total_amount=25_000), "Rp 25000"),
    "another currency": (order(currency="USD"), "USD"),
    "a charge without its product": (
        order(total_additional_final_amount=500, total_amount=20_500),
        "Additional charge on the total",
    ),
    "shipping without its product": (order(total_shipping_amount=500, total_amount=20_500), "Shipping"),
    "parts without an account": (
        order(order_details=[line(quantity=2, product_composites=[{"sku": "BEAN", "quantity": 1}])]),
        "parts",
    ),
    "a payment method that is not mapped": (order(transactions=[VOUCHER]), "No account is mapped for payments by"),
    "a sale of a closed period": (closed(order()), "closed in Jurnal"),
    "a payout of a closed period": (closed(report("payout", payout())), "takes nothing before"),
    "a transfer of a closed period": (closed(report("transfer", transfer(START))), "closed in Jurnal"),
    "a payout that does not add up": (report("payout", payout(total_deposit=1)), "are not the transactions'"),
    "a payout of an outlet that is not mapped": (report("payout", payout(outlet_id="kiosk")), "not mapped"),
    "a payout without its fees": (report("payout", payout(total_fees=None)), "lacks its date or amounts"),
    "half a transfer": (report("transfer", transfer(START, **TO_KIOSK)), "half a transfer is never booked"),
    "more than is in transit": (
        report("transfer", transfer(START, receipt("a1", decided("LATTE", 9)))),
        "decides on 9 of LATTE",
    ),
    "goods that were never sent": (
        report("transfer", transfer(START, receipt("a1", decided("TEA", 1)))),
        "which the transfer never sent",
    ),
    "goods without a price": (
        report("transfer", delivery(receipt("a1", decided("LATTE", 3)))),
        "no purchase price of LATTE",
    ),
    "a refund of more than was sold": (back(refund(20_000, 3), given_back(amount=20_000)), "takes back 3 of LATTE"),
    "a refund without its money": (back(refund()), "no transaction paid it"),
    "a refund of more than was paid": (back(refund(30_000, 2), given_back(amount=30_000)), "Rp 20000 were paid"),
    "goods thrown away without an account": (
        back(refund(units_returned=[]), given_back(), without="waste_account"),
        "No account is mapped",
    ),
    "money without goods and without an account": (
        back(refund(3_000, 0), given_back(amount=3_000), without="sales_return_account"),
        "No account is mapped for money given back without goods",
    ),
}
HELD: dict[str, tuple[Tell, str]] = {
    "an order of which little is told": (report("order", {"order_id": "order-1", "status": "completed"}), ""),
    "a draft": (order(status="draft"), ""),
    "a reservation": (order(status="reserved"), ""),
    "a sale for its time": (
        by(SalesRulesSet(sync=SalesSync("scheduled", ("18:00",))), order()),
        "Waits for the sales sync of",
    ),
    "a sale for its shift": (
        by(SalesRulesSet(sync=SalesSync("shift_closing", ("18:00",))), order(register_id="r1")),
        "the shift of its register",
    ),
    "a sale without a time": (
        by(SalesRulesSet(sync=SalesSync("shift_closing")), order()),
        "No time is set at which this sale is sent",
    ),
    "a transfer that nobody started": (report("transfer", transfer(status="Pending")), "It is not started in iSeller"),
    "a delivery that nobody received": (report("transfer", delivery()), "It is not received in iSeller"),
    "a receipt before its start": (
        report("transfer", transfer(receipt("a1", decided("LATTE", 1)))),
        "Waits for the start of transfer TO-1",
    ),
    "a payout under way": (report("payout", payout(status="Processing")), ""),
}
SKIPPED: dict[str, tuple[Tell, str]] = {
    "a sale of an outlet that is not mapped": (order(**KIOSK), "Outlet Kiosk is not mapped"),
    "a sale of a channel that is not mapped": (
        order(outlet_id=None, channel="marketplace", channel_detail="shopee"),
        "Channel shopee is not mapped",
    ),
    "a sale that was void before it was one": (order(status="void"), ""),
    "a count at an outlet that is not mapped": (
        report("transfer", correction(act("c1", "Adjustment", 20, sent("LATTE", 2)), **KIOSK)),
        "Outlet Kiosk is not mapped",
    ),
    "a count that finds what was expected": (
        report("transfer", correction(act("c1", "Adjustment", 20, sent("LATTE", 0)))),
        "It changes no stock",
    ),
    "a transfer cancelled before its start": (
        report("transfer", transfer(status="Cancelled")),
        "It was cancelled in iSeller before",
    ),
    "a failed payout": (report("payout", payout(status="Failed")), ""),
    "a payout of nothing": (
        report("payout", payout(total_deposit=0, total_fees=0, transactions_amount=0)),
        "",
    ),
}
CAUSES = {
    name: (state, *cause)
    for state, causes in (("failed", FAILED), ("held", HELD), ("skipped", SKIPPED))
    for name, cause in causes.items()
}


@pytest.mark.parametrize("cause", CAUSES)
def test_what_is_not_on_its_way_says_why_and_what_a_person_does(cause: str) -> None:
    """A failed record always comes with advice; told again, the line is the same and there is still one of it."""
    state, tell, words = CAUSES[cause]
    story = Story()
    for _ in range(2):
        tell(story)
        (record,) = (each for each in story.records.values() if each.state != "booking")
        assert record.state == state
        assert record.reason
        assert words in record.reason
        assert record.what_to_do or state != "failed"


def test_what_waits_for_a_person_to_send_it_says_how() -> None:
    """Held until somebody acts is not held until something comes."""
    story = Story(connection=msgspec.structs.replace(CONNECTION, transfer_sync=TransferSync("manual")))
    story.report("transfer", transfer(START))
    assert "jurnalsync sync transfers" in (story.records["transfer-a0"].what_to_do or "")
