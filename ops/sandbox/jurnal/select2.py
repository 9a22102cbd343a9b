"""The search boxes of the web application, used as cheap look-ups."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from ops.sandbox.jurnal.books import CATEGORIES
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.credit_memos import status as memo_status
from ops.sandbox.jurnal.credit_records import CreditMemo
from ops.sandbox.jurnal.errors import Refusal
from ops.sandbox.jurnal.products import shown_unit
from ops.sandbox.jurnal.records import Account, Document, Payment, Product, Record
from ops.sandbox.jurnal.resource import Json
from ops.sandbox.jurnal.sales import CLOSED, PAID, Invoice
from ops.sandbox.jurnal.shapes import CURRENCY, decimal_string, number

R = TypeVar("R", bound=Record)
PAGE_ROWS = 10
BAHASA = {1: "Akun Piutang", 3: "Kas & Bank", 4: "Persediaan", 13: "Pendapatan", 16: "Beban"}
PRIORITIES = {"cash-bank": (3,), "bank": (3,), "inventory": (4,), "inv": (4,), "ar": (1,), "ap": (8,), "fixed": (5,)}


class Select2:
    """get_account, get_person, get_product and get_transaction."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def get_account(self, query: Mapping[str, str]) -> Json:
        """Find accounts by name or number; type cash or a priority narrows the categories."""
        kind, priority = query.get("type", "account"), query.get("priority")
        wanted = PRIORITIES.get(priority or ("cash-bank" if kind == "cash" else ""), tuple(CATEGORIES))
        word = query.get("q", "").lower()
        found = [
            account
            for account in self._company.accounts
            if account.category_id in wanted and (word in account.name.lower() or word in account.number.lower())
        ]
        rows, page, pages = _page(found, query)
        shown = [_account(account) for account in rows]
        tail = {"more": page < pages, "category": kind, "priority": priority, "main": "account"}
        return {"data": shown, "total": len(found), "current_page": page, "total_pages": pages, **tail}

    def get_person(self, query: Mapping[str, str]) -> Json:
        """Find people of a role by display name."""
        role, word = query.get("type", "customer"), query.get("q", "").lower()
        found = [person for person in self._company.persons if role in person.roles and word in person.name.lower()]
        rows, page, pages = _page(found, query)
        shown = [
            {
                "id": person.id,
                "display_name": person.name,
                **{key: person.written[key] for key in ("email", "address", "billing_address")},
            }
            for person in rows
        ]
        tail = {"category": role, "current_page": page, "total_pages": pages, "main": "person"}
        return {"data": shown, "total": len(found), "more": page < pages, **tail}

    def get_product(self, query: Mapping[str, str]) -> Json:
        """Find products by name or code."""
        word = query.get("q", "").lower()
        found = [
            product
            for product in self._company.products
            if word in product.name.lower() or word in (product.code or "").lower()
        ]
        rows, page, pages = _page(found, query)
        shown = [self._product(product) for product in rows]
        tail = {"more": page < pages, "category": query.get("type", "sales"), "main": "product"}
        negative = self._company.settings.allow_negative_stock
        paging = {"total": len(found), "current_page": page, "total_pages": pages}
        return {"data": shown, "sell_on_not_enough_quantity": negative, **paging, **tail}

    def _product(self, product: Product) -> Json:
        quantity = self._company.stock.total(product)
        return {
            "id": product.id,
            "name": product.name,
            "description": product.description,
            "product_code": product.code,
            "quantity": number(quantity),
            "quantity_string": decimal_string(quantity),
            "unit_id": shown_unit(product)["id"],
            "sell_price_per_unit": decimal_string(product.sell_price),
            "buy_price_per_unit": decimal_string(product.buy_price),
            "currency_format": CURRENCY["symbol"],
            "taxable_sell": product.sell_tax is not None,
            "taxable_buy": product.buy_tax is not None,
            "sell_tax_id": None if product.sell_tax is None else product.sell_tax.id,
            "buy_tax_id": None if product.buy_tax is None else product.buy_tax.id,
            "product_category_ids": [],
            "unit_name": product.unit,
            "track_inventory": product.tracked,
        }

    def get_transaction(self, query: Mapping[str, str]) -> Json:
        """Find documents of a type by a part of their number; q, page and type must be sent."""
        if not {"q", "page", "type"} <= set(query):
            raise Refusal(422, {"errors": "please define keyword parameter, page, and type"})
        name, documents = self._documents(query["type"])
        status = query.get("status")
        found = [
            document
            for document in documents
            if query["q"].lower() in document.name.lower() and status in {None, "", str(self._status(document)[0])}
        ]
        rows, page, pages = _page(found, query)
        shown = [
            {
                "id": document.id,
                "transaction_no": document.name,
                "transaction_type": {"name": name},
                "transaction_status": {"name": self._status(document)[1]},
                "pay_method": None,
                "tag_ids": [tag.id for tag in document.tags],
            }
            for document in rows
        ]
        return {"data": shown, "total": len(found), "more": page < pages, "main": "transaction"}

    def _status(self, document: Document) -> tuple[int, str, str]:
        if isinstance(document, Invoice):
            return document.status(self._company.today())
        if isinstance(document, CreditMemo):
            return memo_status(document)
        return PAID if isinstance(document, Payment) else CLOSED

    def _documents(self, kind: str) -> tuple[str, Iterable[Document]]:
        """Return the name and the documents of a numbered transaction type; other types have none here."""
        company = self._company
        known: dict[str, tuple[str, Iterable[Document]]] = {
            "1": ("Invoice", company.sales_invoices),
            "2": ("Receive Payment", company.receive_payments),
            "12": ("Sales Return", company.sales_returns),
            "13": ("Credit Memo", company.credit_memos),
            "14": ("Credit Memo Payment", company.credit_memo_payments),
            "15": ("Credit Memo Refund", company.credit_memo_refunds),
            "25": ("Warehouse Transfer", company.warehouse_transfers),
            "26": ("Stock Adjustment", company.stock_adjustments),
        }
        return known.get(kind, ("", ()))


def _page(found: Sequence[R], query: Mapping[str, str]) -> tuple[Sequence[R], int, int]:
    """Return one page of the newest first, its number and the number of pages."""
    page = max(1, int(query["page"])) if query.get("page", "").isdecimal() else 1
    newest = sorted(found, key=lambda record: record.id, reverse=True)
    return newest[(page - 1) * PAGE_ROWS : page * PAGE_ROWS], page, -(-len(found) // PAGE_ROWS)


def _account(account: Account) -> Json:
    name = CATEGORIES[account.category_id]
    bahasa = BAHASA.get(account.category_id, name)
    return {
        "id": account.id,
        "name": account.name,
        "number": account.number,
        "currency_list_id": 1,
        "company_tax_id": None,
        "category": {"id": account.category_id, "name": name, "name_bahasa": bahasa},
    }
