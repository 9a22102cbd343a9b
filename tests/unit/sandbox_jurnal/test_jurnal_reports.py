"""Profit and loss, balance sheet, trial balance and general ledger."""

from fractions import Fraction
from typing import Any

from ops.sandbox.jurnal.shapes import currency, decimal_string, half_up, with_minus, with_parentheses
from tests.unit.sandbox_jurnal.shop import Shop

MARCH = {"start_date": "01/03/2026", "end_date": "31/03/2026"}


async def report(shop: Shop, name: str, **query: str) -> Any:
    """Return one report of March 2026."""
    reply = await shop.call("GET", name, query=MARCH | query)
    assert reply.status == 200
    return reply.body[name]


def rows(section: Any) -> dict[str, tuple[str, float]]:
    """Return account name -> formatted and raw balance."""
    return {
        row["name"]: (row["data"][0]["balance"], row["data"][0]["balance_raw"]) for row in section["accounts"]["array"]
    }


async def trade(shop: Shop) -> None:
    """Buy, sell with a discount and tax, and pay a fee."""
    await shop.receive(3, 30_000, "2026-03-01")
    line = {"product_name": "Kemeja", "quantity": 2, "rate": 100_000, "line_tax_name": "PPN"}
    await shop.sell(
        transaction_lines_attributes=[line],
        discount_type_name="Value",
        discount_unit=500,
        tax_after_discount=False,
        deposit=221_500,
        deposit_to_name="Cash",
    )
    debit = {"account_name": "Waste Goods Expense", "debit": 700}
    await shop.make(
        "bank_withdrawals",
        "bank_withdrawal",
        transaction_date="2026-03-10",
        refund_from_name="Cash",
        transaction_account_lines_attributes=[debit],
    )


async def test_profit_and_loss_has_jurnals_sections_and_number_format(shop: Shop) -> None:
    """Amounts carry a leading blank, negative ones a leading minus, and expenses are positive."""
    await trade(shop)
    pnl = await report(shop, "profit_and_loss")
    assert pnl["header"]["report_date"] == "01/03/2026 - 31/03/2026"
    assert rows(pnl["primary_income"]) == {
        "Service Revenue": (" 200.000,00", 200_000),
        "Sales Discount": ("- 500,00", -500),
    }
    assert pnl["primary_income"]["total"][0]["total"] == " 199.500,00"
    assert rows(pnl["cost_of_good_sold"]) == {"Cost of Sales": (" 60.000,00", 60_000)}
    assert pnl["cost_of_good_sold"]["gross_profit"][0]["total"] == " 139.500,00"
    assert rows(pnl["expense"]) == {"Waste Goods Expense": (" 700,00", 700)}
    assert pnl["header"]["net_operating_income"][0]["income"] == " 138.800,00"
    assert rows(pnl["other_expense"]) == {"Inventory Adjustments": ("- 90.000,00", -90_000)}
    assert pnl["header"]["net_income"][0]["income"] == " 228.800,00"
    assert pnl["other_comprehensive_income_loss"]["accounts"]["array"] == []


async def test_profit_and_loss_covers_its_period_and_defaults_to_today(shop: Shop) -> None:
    """A sale of yesterday is not in today's report."""
    await shop.sell(transaction_date="2026-03-09")
    reply = await shop.call("GET", "profit_and_loss")
    assert reply.body["profit_and_loss"]["primary_income"]["accounts"]["array"] == []


async def test_the_trial_balance_has_equal_sides(shop: Shop) -> None:
    """Totals of opening balance, movement and end balance are equal on both sides."""
    await trade(shop)
    trial = await report(shop, "trial_balance")
    assert {side["debit"] == side["credit"] for side in trial["total"].values()} == {True}
    assert trial["total"]["total_ending_balance"]["debit"] == " 312.000,00"
    cash = next(row["account"] for row in trial["asset_accounts"] if row["account"]["name"] == "Cash")
    assert cash["movement"] == {"debit": " 221.500,00", "credit": " 700,00"}
    assert cash["end_balance"] == {"debit": " 220.800,00", "credit": " 0,00"}


async def test_the_books_balance_exactly_whatever_the_fractions(shop: Shop) -> None:
    """Thirds of a rupiah in cost and tax leave no difference before rounding."""
    await shop.receive(3, "33333.33", "2026-03-01")
    await shop.receive(4, 10_000, "2026-03-01")
    line = {"product_name": "Kemeja", "quantity": 1, "rate": 12_345, "discount": "3.7", "line_tax_name": "PPN"}
    await shop.sell(transaction_lines_attributes=[line], discount_unit=7)
    assert shop.sandbox.exact_difference() == 0
    assert shop.sandbox.exact_balances()["Cost of Sales"].denominator > 1


async def test_a_difference_of_rounding_is_shown_and_not_hidden(shop: Shop) -> None:
    """Two halves of a rupiah against one whole round to a difference of one; the report says so."""
    lines = [
        {"account_name": "Cash", "debit": "0.5"},
        {"account_name": "Bank BCA", "debit": "0.5"},
        {"account_name": "Other Income", "credit": 1},
    ]
    await shop.make(
        "journal_entries",
        "journal_entry",
        transaction_date="2026-03-10",
        transaction_account_lines_attributes=lines,
    )
    total = (await report(shop, "trial_balance"))["total"]["total_ending_balance"]
    assert total == {"debit": " 2,00", "credit": " 1,00"}
    assert shop.sandbox.exact_difference() == 0


async def test_the_balance_sheet_balances(shop: Shop) -> None:
    """Assets equal liabilities and equity, the result so far included."""
    await trade(shop)
    header = (await report(shop, "balance_sheet"))["header"]
    assert header["total_assets"][0]["income"] == " 250.800,00"
    assert header["total_liability_and_equity"][0]["income"] == " 250.800,00"


async def test_the_general_ledger_runs_a_balance_per_account(shop: Shop) -> None:
    """account_id narrows it; every posting has formatted and raw figures, zero as text."""
    await trade(shop)
    cash = shop.sandbox.company.chart["Cash"]
    ledger = await report(shop, "general_ledger", account_id=str(cash.id))
    account = ledger["report"]["accounts"][0]
    assert account["subheader"] == "(1-10001) Cash"
    lines = [row["transaction"] for row in account["content"]]
    assert [
        (line["transaction_type"], line["debit_raw"], line["credit_raw"], line["balance_raw"]) for line in lines
    ] == [
        ("Receive Payment", 221_500, "0", 221_500),
        ("Bank Withdrawal", "0", 700, 220_800),
    ]
    assert account["ending_balance"]["balance"] == " 220.800,00"
    assert len(ledger["report"]["accounts"]) == 1


def test_amounts_are_written_as_jurnal_writes_them() -> None:
    """Dots group, a comma separates, negatives have two styles; halves round away from zero."""
    amount = Fraction(-3930085308_155, 1_000)
    assert with_minus(amount) == "- 3.930.085.308,16"
    assert with_parentheses(amount) == "( 3.930.085.308,16)"
    assert currency(Fraction(10_692_000)) == "Rp.  10.692.000,00"
    assert currency(amount) == "(Rp.  3.930.085.308,16)"
    assert [half_up(Fraction(number, 2)) for number in (1, -1, 3, -3)] == [1, -1, 2, -2]
    assert [decimal_string(value) for value in (Fraction(1), Fraction(-1, 4), Fraction(1, 3))] == [
        "1.0",
        "-0.25",
        "0.3333333333",
    ]
