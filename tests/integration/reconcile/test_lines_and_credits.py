"""What lists do not show of documents: the goods of a transfer, and what others took out of a credit."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from eventstore.facts.settings import SETTINGS_STREAM, SalesRulesSet
from ops.sandbox.jurnal import credit_memo_uses
from ops.sandbox.jurnal.credit_records import CreditMemo
from projections.differences.queries import list_differences
from projections.jurnal_commands.identity import transaction_no
from service.difference_wording import what_happened, what_to_do
from tests.integration.dispatcher.stand import Stand
from tests.integration.reconcile.comparing import ask_repair, compare, only
from tests.ledger import STORE
from tests.story import own, paid

TRANSFER = f"trf-{STORE}.start-1"
NUMBER = transaction_no(TRANSFER, "TO-1")


def lines(*quantities: int) -> list[dict[str, Any]]:
    """Return lines of latte."""
    return [{"product_name": "Product LATTE", "quantity": quantity} for quantity in quantities]


async def asked_for(stand: Stand) -> int:
    """Compare once; return the calls it takes."""
    before = sum(stand.sandbox.calls.values())
    await compare(stand)
    return sum(stand.sandbox.calls.values()) - before


async def test_a_transfer_whose_goods_somebody_changed_is_altered(stand: Stand) -> None:
    """Its list shows no lines: it is read once more, and nothing is repaired by itself."""
    await stand.transfer()
    await stand.until_quiet(stand.process())
    assert (await compare(stand)).found == ()
    stand.sandbox.by_hand.edit("warehouse_transfers", NUMBER, warehouse_transfer_lines_attributes=lines(2, 2))
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundAltered"
    assert found.document.command_id == TRANSFER
    assert found.differences == ("quantity of LATTE is 4.0, not 5",)
    assert await ask_repair(stand) == []
    stand.sandbox.by_hand.edit("warehouse_transfers", NUMBER, warehouse_transfer_lines_attributes=lines(5))
    assert (await compare(stand)).resolved == 1


async def test_the_goods_of_a_transfer_cost_a_call_and_a_sale_none(stand: Stand) -> None:
    """Nine lists, and every transfer of the range once."""
    await stand.order()
    await stand.until_quiet(stand.process())
    without = await asked_for(stand)
    for number in (1, 2):
        await stand.transfer(number)
    await stand.until_quiet(stand.process())
    assert (without, await asked_for(stand)) == (9, 9 + 2)


async def given_back(stand: Stand) -> CreditMemo:
    """Let a sale be paid, and a piece of it come back for cash; return the credit memo of it in Jurnal."""
    await stand.appender.append(STORE, [own(SalesRulesSet(sales_return_account="Sales Return"), SETTINGS_STREAM, "r")])
    goods = {"sku": "LATTE", "product_id": "p-LATTE"}
    refund = {
        "order_id": "order-1",
        "refund_date": "2026-11-20T18:40:00",
        "refund_amount": 10_000,
        "refund_details": [{**goods, "quantity": 1}],
        "units_returned": [{**goods, "stock": 1}],
    }
    await stand.order(transactions=[paid("t1", 20_000)])
    await stand.report("refund", refund)
    money = paid("r1", 10_000, type="refund", transaction_date="2026-11-20T18:40:00", order_id="order-1")
    await stand.report("transaction", money)
    await stand.until_quiet(stand.process())
    (memo,) = stand.sandbox.company.credit_memos
    return memo


async def refund_again(stand: Stand, memo: CreditMemo, patch: pytest.MonkeyPatch, amount: int) -> int:
    """Let a person refund a credit memo once more, as two can who look at it at the same time; return the refund."""
    with patch.context() as raced:
        raced.setattr(credit_memo_uses, "_left", lambda *_memo: Fraction(amount))
        made = await stand.shop.make(
            "customer_credit_memo_refund",
            "customer_credit_memo_refund",
            person_id=memo.person.id,
            transaction_date="20/11/2026",
            refund_from_name="Bank BCA",
            credit_memo_refund_lines_attributes=[{"credit_memo_id": memo.id, "refund_amount": amount}],
        )
    return int(made["id"])


async def test_a_second_refund_of_a_credit_is_found_by_what_is_left_of_it(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jurnal lists no refunds; the credit memo tells of all. It is told once, and gone when the second one is."""
    memo = await given_back(stand)
    assert (await compare(stand)).found == ()
    second = await refund_again(stand, memo, monkeypatch, 4_000)
    found = only(await compare(stand))
    assert type(found).__name__ == "CreditFoundUsedDifferently"
    assert (found.ledger_used, found.jurnal_used) == (Decimal(10_000), Decimal(14_000))
    assert (await compare(stand)).new == ()
    (listed,) = await list_differences(stand.pool, STORE, rows_max=10)
    assert "Jurnal: 14000" in what_happened(listed)
    assert "Take the refund back" in what_to_do(listed)
    assert await ask_repair(stand) == []
    stand.sandbox.by_hand.delete("customer_credit_memo_refund", second)
    assert (await compare(stand)).resolved == 1


async def test_what_is_left_of_a_credit_costs_no_call_where_its_list_shows_it(stand: Stand) -> None:
    """Nine lists and the refund, which no list shows, as ever."""
    await given_back(stand)
    assert await asked_for(stand) == 9 + 1
