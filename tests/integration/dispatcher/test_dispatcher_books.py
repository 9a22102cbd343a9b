"""What iSeller reported stands in Jurnal, once, and the answer stands in the ledger."""

from datetime import date
from decimal import Decimal
from typing import Any

from ops.sandbox.jurnal import FaultPlan
from projections.in_transit_stock.queries import sum_in_transit
from projections.invoice_payment.queries import count_invoices, read_invoices
from projections.jurnal_commands.identity import payment_command_id
from tests.integration.dispatcher.stand import Stand
from tests.ledger import STORE
from tests.story import paid, taxed

ACCEPT: dict[str, Any] = {
    "inventory_adjustment_id": "accept-1",
    "action": "Accept",
    "date": "2026-11-20T03:00:00",
    "items": [{"sku": "LATTE", "accepted_quantity": 5}],
}


async def invoice_status(stand: Stand) -> dict[str, str]:
    """Return each booked invoice's order and status."""
    rows = await read_invoices(
        stand.pool,
        STORE,
        statuses=("Open", "Partial", "Paid"),
        due_before=None,
        due_from=None,
        after_transaction_no=None,
        rows_max=100,
    )
    return {row.order_id: row.status for row in rows}


async def test_one_order_becomes_one_invoice_and_the_answer_a_fact(stand: Stand) -> None:
    """Webhook to invoice: one document, one accepted fact, one Success in the list."""
    await stand.order()
    assert await stand.statuses() == {"sale-order-1": "Pending"}
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 1
    (answer,) = await stand.told("CommandAccepted")
    assert answer["document"]["resource"] == "sales_invoices"
    assert answer["attempted"]["http_status"] == 201
    assert await stand.commands() == {"inv.order-1": "accepted"}
    assert await stand.sends() == {"inv.order-1": "done"}
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_a_paid_order_is_a_paid_invoice_and_one_on_account_an_open_one(stand: Stand) -> None:
    """The first payment is the invoice's deposit; without one the whole amount is owed."""
    await stand.order(1, transactions=[paid("t1", 20_000)])
    await stand.order(2)
    await stand.until_quiet(stand.process())
    assert await invoice_status(stand) == {"order-1": "Paid", "order-2": "Open"}
    by_custom_id = {invoice.custom_id: invoice.remaining for invoice in stand.sandbox.company.sales_invoices}
    assert by_custom_id == {f"inv-{STORE}.order-1": 0, f"inv-{STORE}.order-2": 20_000}


async def test_rounding_beyond_isellers_own_is_counted_with_its_sum(stand: Stand) -> None:
    """Of 10,010 at 11 %, exactly 11,111.1: told as 11,112 it is 0.9 more, as 11,111 it is 0.1 less."""
    for number, total in enumerate(("11112", "11111", "11111.1"), start=1):
        line = taxed(price=10_010)
        await stand.order(number, order_details=[line], total_amount=total, total_order_amount=10_010)
    await stand.until_quiet(stand.process())
    (count,) = await count_invoices(stand.pool, STORE, due_before=date(2026, 11, 20))
    assert (count.invoices, count.rounded_invoices, count.rounded) == (3, 2, Decimal("0.8"))


async def test_a_payment_that_comes_later_is_received_on_the_invoice(stand: Stand) -> None:
    """An open invoice is paid by a receive payment of its own, after the invoice itself."""
    process = stand.process()
    await stand.order()
    await stand.until_quiet(process)
    await stand.order(transactions=[paid("t1", 20_000)])
    await stand.until_quiet(process)
    assert (stand.documents("sales_invoice"), stand.documents("receive_payment")) == (1, 1)
    assert await invoice_status(stand) == {"order-1": "Paid"}
    assert await stand.statuses() == {"sale-order-1": "Success", "payment-order-1-t1": "Success"}


async def test_a_transfer_leaves_through_the_transit_warehouse_and_arrives(stand: Stand) -> None:
    """Each leg is one warehouse transfer, in the order of the ledger."""
    process = stand.process()
    await stand.transfer()
    await stand.until_quiet(process)
    assert await sum_in_transit(stand.pool, STORE) == {"LATTE": 5}
    await stand.transfer(1, ACCEPT)
    await stand.until_quiet(process)
    legs = [(leg.from_warehouse.name, leg.to_warehouse.name) for leg in stand.sandbox.company.warehouse_transfers]
    assert legs == [("Main Warehouse", "iSeller in Transit"), ("iSeller in Transit", "Branch Warehouse")]
    assert await sum_in_transit(stand.pool, STORE) == {"LATTE": 0}


async def test_a_leg_waits_until_the_one_before_it_is_accepted(stand: Stand) -> None:
    """Both legs are due at once; while the first is unknown the second stays, however long that takes."""
    await stand.transfer(1, ACCEPT)
    stand.fail(FaultPlan(status_before_commit=502))
    process = stand.process()
    assert (await stand.step(process)).outcome == "Unknown"
    assert await stand.sends() == {"trf.accept-1": "due", "trf.start-1": "unknown"}
    for _ in range(5):
        await stand.advance(60)
        assert (await stand.step(process)).did in ("probed", "nothing")
    assert await stand.sends() == {"trf.accept-1": "due", "trf.start-1": "unknown"}
    await stand.until_quiet(process)
    legs = [leg.from_warehouse.name for leg in stand.sandbox.company.warehouse_transfers]
    assert legs == ["Main Warehouse", "iSeller in Transit"]


async def test_a_payout_is_a_deposit_of_what_reached_the_bank_and_a_withdrawal_of_the_fee(stand: Stand) -> None:
    """The bank gets exactly the deposit, the fee account the rest, clearing gives both."""
    fields = {
        "reference_id": "PO-1",
        "date": "2026-11-20T02:00:00",
        "status": "Completed",
        "transactions_amount": 100_000,
        "total_fees": 1_500,
        "total_deposit": 98_500,
    }
    await stand.report("payout", fields)
    await stand.until_quiet(stand.process())
    balances = await stand.shop.balances()
    assert {name: balances[name] for name in ("Bank BCA", "iSeller Pay MDR", "iSeller Pay Clearing")} == {
        "Bank BCA": "98500",
        "iSeller Pay MDR": "1500",
        "iSeller Pay Clearing": "-100000",
    }
    assert await stand.statuses() == {"payout-PO-1": "Success"}


async def test_a_customer_is_made_once_for_many_orders_and_by_name(stand: Stand) -> None:
    """The names are unsealed for the send only; every invoice names the same customer."""
    customer = {"customer_id": "c0ffee01", "customer_first_name": "Sari", "customer_last_name": "Contoh"}
    for number in (1, 2, 3):
        await stand.order(number, **customer)
    await stand.until_quiet(stand.process())
    persons = [person for person in stand.sandbox.company.persons if person.name.startswith("Sari Contoh")]
    assert len(persons) == 1
    assert all(invoice.terms.person is persons[0] for invoice in stand.sandbox.company.sales_invoices)
    assert stand.documents("sales_invoice") == 3
    assert all(b"Sari" not in fact.body for fact in await stand.facts())


async def test_commands_of_one_document_reach_jurnal_in_ledger_order(stand: Stand) -> None:
    """The invoice goes before its payments, although all are due at once."""
    await stand.order(transactions=[paid("t1", 5_000), paid("t2", 5_000), paid("t3", 10_000)])
    process = stand.process()
    kinds = []
    while (done := await stand.step(process)).did == "sent":
        kinds.append(done.kind)
    assert kinds == ["BookInvoice", "ReceivePayment", "ReceivePayment"]
    made = [payment.custom_id for payment in stand.sandbox.company.receive_payments if payment.custom_id]
    assert made == [payment_command_id(STORE, "order-1", "t2"), payment_command_id(STORE, "order-1", "t3")]
