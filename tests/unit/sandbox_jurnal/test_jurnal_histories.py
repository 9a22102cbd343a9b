"""Histories at random: whatever is made, changed and deleted, reports and books agree, and nothing stays behind."""

from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.unit.sandbox_jurnal.shop import Shop, opened

LAST = {"end_date": "31/12/2026"}
DAYS = [f"2026-03-{day:02d}" for day in range(1, 10)]
# In this order nothing that is deleted is still needed by something that stays.
ORDER = (
    "customer_apply_credit_memo",
    "customer_credit_memo_refund",
    "receive_payments",
    "sales_returns",
    "credit_memos",
    "sales_invoices",
    "stock_adjustments",
)


@dataclass(slots=True)
class History:
    """A shop at random; refusals are part of it, and `made` holds what was accepted by kind."""

    shop: Shop
    dice: Random
    made: dict[str, dict[int, Any]] = field(default_factory=dict)

    async def step(self) -> None:
        """Do one thing."""
        doings = (self.receive, self.sell, self.sell, self.pay, self.give_back, self.credit, self.refund, self.apply)
        await self.dice.choice((*doings, self.resell, self.remove))()

    def some(self, kind: str) -> Any:
        """Return one of what was made; None when there is none."""
        return self.dice.choice(list(self.made.get(kind, {}).values()) or [None])

    def day(self) -> str:
        """Return a date."""
        return self.dice.choice(DAYS)

    def amount(self) -> str:
        """Return an amount with decimals."""
        return f"{self.dice.randint(1, 90_000)}.{self.dice.randint(0, 99):02d}"

    async def send(self, kind: str, wrapper: str, **fields: object) -> None:
        """Send it; keep it when it is accepted."""
        reply = await self.shop.call("POST", kind, {wrapper: fields})
        assert reply.status < 500
        if reply.status < 300:
            document = next(iter(reply.body.values()))
            self.made.setdefault(kind, {})[document["id"]] = document

    async def receive(self) -> None:
        """Count goods in at a price, or write some off."""
        line = {"product_name": "Kemeja", "difference": self.dice.randint(-2, 9)}
        line |= {"use_custom_average_price": self.dice.random() < 0.7, "average_price": self.amount()}
        fields = {"stock_adjustment_type": self.dice.choice(["General", "Waste", "Production"]), "date": self.day()}
        await self.send(
            "stock_adjustments", "stock_adjustment", **fields, warehouse_name="Pusat", lines_attributes=[line]
        )

    def sale(self) -> dict[str, object]:
        """Return an invoice with tax, both discounts and perhaps a deposit."""
        lines = [
            {
                "product_name": self.dice.choice(["Kemeja", "Jasa"]),
                "quantity": self.dice.choice([1, 2, "1.5"]),
                "rate": self.amount(),
                "discount": self.dice.choice([0, 0, 7, "33.3"]),
                "line_tax_name": self.dice.choice([None, "PPN"]),
            }
            for _ in range(self.dice.randint(1, 3))
        ]
        deposit = {"deposit": self.dice.choice([0, 1_000]), "deposit_to_name": "Cash"}
        discount = {"discount_type_name": self.dice.choice(["Value", "Percent"]), "discount_unit": "3.5"}
        inclusive = {"use_tax_inclusive": self.dice.random() < 0.3, "tax_after_discount": self.dice.random() < 0.7}
        fields = {"transaction_date": self.day(), "warehouse_name": "Pusat", "transaction_lines_attributes": lines}
        return self.shop.invoice(**fields, **deposit, **discount, **inclusive)

    async def sell(self) -> None:
        """Make an invoice."""
        await self.send("sales_invoices", "sales_invoice", **self.sale())

    async def resell(self) -> None:
        """Change an invoice."""
        invoice = self.some("sales_invoices")
        if invoice is not None:
            await self.shop.call("PATCH", f"sales_invoices/{invoice['id']}", {"sales_invoice": self.sale()})

    async def pay(self) -> None:
        """Receive a part of an invoice."""
        invoice = self.some("sales_invoices")
        if invoice is not None:
            record = {"transaction_id": invoice["id"], "amount": self.amount()}
            fields = {"transaction_date": self.day(), "payment_method_name": "Cash", "deposit_to_name": "Bank BCA"}
            await self.send("receive_payments", "receive_payment", **fields, records_attributes=[record])

    async def give_back(self) -> None:
        """Take goods of an invoice back."""
        invoice = self.some("sales_invoices")
        if invoice is not None:
            line = self.dice.choice((await self.shop.show("sales_invoices", invoice["id"]))[LINES])
            rows = [{"transaction_line_id": line["id"], "return_quantity": self.dice.choice(["0.5", 1])}]
            fields = {"transaction_date": self.day(), "invoice_id": invoice["id"]}
            await self.send("sales_returns", "sales_return", **fields, transaction_return_lines_attributes=rows)

    async def credit(self) -> None:
        """Make a credit memo by hand."""
        line = {"account_name": "Sales Return", "debit": self.amount(), "line_tax_name": "PPN"}
        fields = {"person_name": "Pelanggan Tunai", "transaction_date": self.day()}
        await self.send("credit_memos", "credit_memo", **fields, transaction_account_lines_attributes=[line])

    def memo(self) -> Any:
        """Return the id of any credit memo there is, by hand or of a return."""
        return self.dice.choice([memo.id for memo in self.shop.sandbox.company.credit_memos] or [0])

    async def refund(self) -> None:
        """Pay a credit memo out."""
        line = {"credit_memo_id": self.memo(), "refund_amount": self.amount()}
        fields = {"person_name": "Pelanggan Tunai", "transaction_date": self.day(), "refund_from_name": "Cash"}
        kind = "customer_credit_memo_refund"
        await self.send(kind, kind, **fields, credit_memo_refund_lines_attributes=[line])

    async def apply(self) -> None:
        """Settle an invoice with a credit memo."""
        invoice = self.some("sales_invoices")
        if invoice is not None:
            record = {"transaction_id": invoice["id"], "amount": self.amount()}
            fields = {"person_name": "Pelanggan Tunai", "selected_credit_memo_id": self.memo()}
            kind = "customer_apply_credit_memo"
            await self.send(kind, kind, **fields, records_attributes=[record])

    async def remove(self) -> None:
        """Delete something, if nothing needs it."""
        kind = self.dice.choice(ORDER)
        document = self.some(kind)
        if document is not None:
            await self.drop(kind, document["id"])

    async def drop(self, kind: str, key: int) -> bool:
        """Delete a document; tell whether it is gone."""
        reply = await self.shop.call("DELETE", f"{kind}/{key}")
        assert reply.status in {204, 422}
        if reply.status == 204:
            del self.made[kind][key]
        return reply.status == 204


LINES = "transaction_lines_attributes"


async def _agree(shop: Shop) -> None:
    """Compare books, reports and the documents themselves."""
    company = shop.sandbox.company
    balances = shop.sandbox.exact_balances()
    assert shop.sandbox.exact_difference() == 0
    owed = sum(
        (invoice.terms.amounts.due - invoice.amount_received - invoice.returned for invoice in _invoices(shop)),
        Fraction(),
    )
    held = sum((memo.remaining for memo in company.credit_memos), Fraction())
    assert balances["Accounts Receivable"] == owed - held
    report = (await shop.call("GET", "aged_receivables", query=LAST)).body["aged_receivables"]["total"]
    assert report["grandtotal"] == pytest.approx(float(owed - held), abs=1e-6)
    kemeja = company.products.named("Kemeja")
    assert kemeja is not None
    assert balances["Inventory"] == company.stock.total(kemeja) * company.stock.average(kemeja)
    assert all(invoice.remaining >= 0 for invoice in _invoices(shop))
    assert all(0 <= memo.remaining <= memo.original_amount for memo in company.credit_memos)
    assert all(invoice.quantity_left(line) >= 0 for invoice in _invoices(shop) for line in invoice.terms.lines)


def _invoices(shop: Shop) -> list[Any]:
    return list(shop.sandbox.company.sales_invoices)


@pytest.mark.parametrize("seed", range(6))
async def test_books_reports_and_documents_agree_after_any_history(seed: int) -> None:
    """After every tenth thing done; in the end everything can be deleted again, and then all accounts are 0."""
    async with opened() as shop:
        await shop.stock_up()
        history = History(shop, Random(seed))  # noqa: S311 - a seed that can be told and repeated
        for number in range(60):
            await history.step()
            if number % 10 == 9:
                await _agree(shop)
        assert {"sales_returns", "credit_memos"} <= set(history.made)
        for kind in ORDER:
            for key in list(history.made.get(kind, {})):
                assert await history.drop(kind, key), (kind, key)
        assert await shop.balances() == {}
