"""The chart of accounts."""

from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.books import CASH, CATEGORIES, DEBIT_CATEGORIES
from ops.sandbox.jurnal.company import CHART, COMPANY_ID, Company
from ops.sandbox.jurnal.errors import TAKEN, invalid, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.records import Account
from ops.sandbox.jurnal.register import Register
from ops.sandbox.jurnal.resource import Json, Resource, stamps
from ops.sandbox.jurnal.shapes import currency, decimal_string, number


def shown_account(account: Account | None) -> Json:
    """Return the short form of an account, with its category."""
    if account is None:
        return {"id": None, "name": None, "number": None, "category": {"id": None, "name": None}}
    category = {"id": account.category_id, "name": CATEGORIES[account.category_id]}
    return {"id": account.id, "name": account.name, "number": account.number, "category": category}


def cash_account(resource: Resource[Account], fields: Fields, stem: str, message: str) -> Account | None:
    """Find the Cash & Bank account a request names; 422 with `message` for any other account."""
    account = resource.reference(resource.register, fields, stem, message)
    if account is not None and (account.category_id != CASH or account.is_parent):
        raise invalid({f"{stem}_name": message}, [message])
    return account


class Accounts(Resource[Account]):
    """accounts: list, get, create, delete."""

    singular = "account"
    plural = "accounts"
    list_envelope = "count"

    def __init__(self, company: Company) -> None:
        register: Register[Account] = company.accounts
        super().__init__(company, register)

    def page_size_max(self) -> int:
        """Return the higher cap that accounts have."""
        return self.company.settings.accounts_page_size_max

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Account:
        """Make an account; name and number are used once."""
        del check_custom_id
        name, written = read.required_text(fields, "name"), read.text(fields, "number") or ""
        category = read.required_text(fields, "category_name")
        category_id = next((key for key, known in CATEGORIES.items() if known == category), None)
        if category_id is None:
            raise invalid({"category_name": f"{category} not exist"})
        if self.register.named(name) is not None:
            raise invalid({"name": TAKEN})
        if written and any(account.number == written for account in self.register):
            raise invalid({"number": TAKEN})
        custom_id = read.text(fields, "custom_id")
        self.check_keys(custom_id, None)
        made = self.company.now()
        account = Account(
            id=self.company.new_id(),
            name=name,
            custom_id=custom_id,
            created_at=made,
            updated_at=made,
            number=written,
            category_id=category_id,
            description=read.text(fields, "description"),
            is_parent=read.flag(fields, "as_a_parent", default=False),
        )
        return self.register.add(account)

    def delete(self, record: Account) -> None:
        """Delete an account nothing was posted to; the default chart stays."""
        self.company.stock.settle()
        if record.name in CHART or self.company.journal.used(record):
            raise unprocessable()
        self.register.remove(record)

    def balance(self, account: Account) -> Fraction:
        """Return the balance on the account's normal side."""
        self.company.stock.settle()
        balance = self.company.journal.balance(account)
        return balance if account.category_id in DEBIT_CATEGORIES else -balance

    def show(self, record: Account) -> Json:
        """Return an account with its balance."""
        balance = self.balance(record)
        return {
            "id": record.id,
            "name": record.name,
            "description": record.description,
            "number": record.number,
            "company_id": COMPANY_ID,
            "custom_id": record.custom_id,
            "opening_balance": None,
            "start_balance": None,
            **stamps(record),
            "balance": decimal_string(balance),
            "balance_string": currency(balance),
            "category": {"id": record.category_id, "name": CATEGORIES[record.category_id]},
            "company": {"id": COMPANY_ID, "name": self.company.settings.company_name},
            "children": [],
            "parent": {"id": None, "name": None},
            "currency_code": "IDR",
            "transactions": [],
        }

    def show_row(self, record: Account) -> Json:
        """Return the row of the account list."""
        balance = self.balance(record)
        used = self.company.journal.used(record)
        return {
            "id": record.id,
            "name": record.name,
            "number": record.number,
            "description": record.description,
            "lock": used,
            "system_or_product_link": record.name in CHART,
            "is_parent": record.is_parent,
            "indent": 0,
            "currency_code": "IDR",
            "category": CATEGORIES[record.category_id],
            "category_id": record.category_id,
            "balance": currency(balance),
            "balance_amount": number(balance),
            "parent_id": None,
            "parent": [],
            "children": None,
        }
