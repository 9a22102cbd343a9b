"""Customers, and the same people as contacts."""

from fractions import Fraction
from typing import ClassVar

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.errors import TAKEN, taken, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.records import ZERO, Account, Person
from ops.sandbox.jurnal.resource import Json, Resource, stamps
from ops.sandbox.jurnal.shapes import currency, decimal_string, number

WRITTEN = (
    "associate_company",
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "billing_address",
    "address",
    "email",
    "tax_no",
    "mobile",
    "phone",
    "fax",
    "other_detail",
    "source",
)
ADDRESS_PARTS = ("no", "rt", "rw", "post_code", "kelurahan", "kecamatan", "kabupaten", "provinsi")
ROLES = ("customer", "vendor", "employee", "others")
NOT_EXIST = "person not exist"


def shown_person(person: Person | None) -> Json:
    """Return the person block of a payment."""
    written = {} if person is None else person.written
    shown: Json = {"id": None, "name": None} if person is None else {"id": person.id, "name": person.name}
    return shown | {key: written.get(key) for key in ("email", "address", "phone", "fax")}


class _People(Resource[Person]):
    """What customers and contacts share."""

    can_change = True
    default_roles: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.persons)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Person:
        """Make a person; a used display name answers 409 with the id of the existing one."""
        name, custom_id = self._keys(fields, None, check_custom_id=check_custom_id)
        receivable, payable = self._account(fields, "ar"), self._account(fields, "ap")
        made = self.company.now()
        person = Person(
            id=self.company.new_id(),
            name=name,
            custom_id=custom_id,
            created_at=made,
            updated_at=made,
            roles=_roles(fields) | self.default_roles,
            receivable=receivable or self.company.chart["Accounts Receivable"],
            payable=payable or self.company.chart["Accounts Payable"],
            written={key: read.text(fields, key) for key in WRITTEN},
        )
        return self.register.add(person)

    def change(self, record: Person, fields: Fields) -> Person:
        """Change what is sent; what was posted stays on the receivable account of its time."""
        name, custom_id = self._keys(fields, record)
        receivable, payable = self._account(fields, "ar"), self._account(fields, "ap")
        if receivable not in {None, record.receivable} and self.balance(record):
            raise unprocessable()
        self.register.rename(record, name, custom_id)
        record.receivable, record.payable = receivable or record.receivable, payable or record.payable
        record.written |= {key: read.text(fields, key) for key in WRITTEN if key in fields}
        record.roles = frozenset(
            role for role in ROLES if read.flag(fields, f"is_{role}", default=role in record.roles)
        )
        record.updated_at = self.company.now()
        return record

    def _keys(self, fields: Fields, known: Person | None, *, check_custom_id: bool = True) -> tuple[str, str | None]:
        """Return display name and custom_id; 409 when another person has one of them."""
        name = read.text(fields, "display_name") if known is not None else read.required_text(fields, "display_name")
        name = name or ("" if known is None else known.name)
        namesake = self.register.named(name)
        if namesake is not None and namesake is not known and self.company.sees(namesake):
            raise taken(namesake.id, {"display_name": TAKEN})
        custom_id = read.text(fields, "custom_id") or (None if known is None else known.custom_id)
        self.check_keys(custom_id if check_custom_id else None, None, of=known)
        return name, custom_id

    def _account(self, fields: Fields, side: str) -> Account | None:
        return self.reference(self.company.accounts, fields, f"default_{side}_account", "{} not exist")

    def delete(self, record: Person) -> None:
        """Delete a person no document names."""
        if self.used(record):
            raise unprocessable()
        self.register.remove(record)

    def used(self, person: Person) -> bool:
        """Tell whether a document names the person."""
        company = self.company
        credited = (*company.credit_memos, *company.credit_memo_refunds, *company.sales_returns)
        return (
            any(invoice.terms.person is person for invoice in company.sales_invoices)
            or any(document.person is person for document in credited)
            or any(moved.person is person for moved in company.bank_deposits)
            or any(moved.person is person for moved in company.bank_withdrawals)
        )

    def balance(self, person: Person) -> Fraction:
        """Return what a customer owes less what is left of its credit memos."""
        owed = (invoice.remaining for invoice in self.company.sales_invoices if invoice.terms.person is person)
        held = (memo.remaining for memo in self.company.credit_memos if memo.person is person)
        return sum(owed, ZERO) - sum(held, ZERO)


class Customers(_People):
    """customers: list, get, create, batch, change, delete."""

    singular = "customer"
    plural = "customers"
    batch_status = 200
    default_roles = frozenset({"customer"})

    def show(self, record: Person) -> Json:
        """Return a customer with what it owes."""
        balance, used = self.balance(record), self.used(record)
        return {
            "id": record.id,
            "display_name": record.name,
            **record.written,
            "opening_balance": decimal_string(ZERO),
            "disable_max_credit_limit": True,
            "custom_id": record.custom_id,
            "archive": record.archived,
            **{key: value for key, value in stamps(record).items() if key != "updated_at"},
            "deletable": not used,
            "editable": True,
            "has_transactions": used,
            "has_close_the_book": False,
            "opening_balance_currency_format": currency(ZERO),
            "balance": number(balance),
            "balance_currency_format": currency(balance),
            "max_credit_limit": None,
            "max_credit_limit_currency_format": None,
            "default_term": {"id": None, "name": None, "longetivity": None},
            "default_ar_account": _named(record.receivable),
            "default_ap_account": _named(record.payable),
        }


class Contacts(_People):
    """contacts: list, get, create, change, delete; the wrapper is `person`."""

    singular = "person"
    plural = "contacts"

    def show(self, record: Person) -> Json:
        """Return a contact."""
        written = {key: value for key, value in record.written.items() if key != "source"}
        full_name = " ".join(filter(None, (written[key] for key in ("title", "first_name", "last_name"))))
        return {
            "id": record.id,
            "display_name": record.name,
            **written,
            "fullname_with_title": full_name,
            "identity_type": "",
            "identity_number": None,
            **dict.fromkeys(f"billing_address_{part}" for part in ADDRESS_PARTS),
            "archive": record.archived,
            "bank_account_details": [],
            "default_ar_account_id": record.receivable.id,
            "default_ap_account_id": record.payable.id,
            "disable_max_credit_limit": True,
            "disable_max_debit_limit": True,
            "max_credit_limit": None,
            "max_debit_limit": None,
            "term_id": None,
            **{f"is_{role}": role in record.roles for role in ROLES},
            "custom_id": None,
            "contact_group_ids": [],
            "contact_group_names": [],
            "default_ar_account": _with_path(record.receivable),
            "default_ap_account": _with_path(record.payable),
            "term": None,
            "term_name": "",
            "create_transaction_auth": {
                "sales_invoice": f"/invoices/new?person_id={record.id}",
                "credit_memo": f"/customer_credit_memos/new?person_id={record.id}",
            },
            "authorization_list": {"edit": True, "delete": not self.used(record), "merge": True},
        }

    def show_row(self, record: Person) -> Json:
        """Return the row of the contact list."""
        written = record.written
        kept = ("associate_company", "address", "email", "mobile", "phone", "tax_no", "fax", "other_detail")
        return {
            "person_id": record.id,
            "display_name": record.name,
            **{key: written[key] for key in kept},
            "balance": number(self.balance(record)),
            "color_coding": [ROLES.index(role) + 1 for role in sorted(record.roles)],
            "is_archived": record.archived,
            "authorization": {"archive": True},
        }

    def page_of_list(self, page: int, page_size: int) -> Json:
        """Return the contact list's own envelope."""
        people = list(self.register)
        rows = [self.show_row(person) for person in people[(page - 1) * page_size : page * page_size]]
        return {
            "contact_list": {
                "contact_data": {
                    "person_data": rows,
                    "authorization_by_role": {"create_new": True, "bulk_delete": True, "customize_column": True},
                    "current_page": page,
                    "max_page": -(-len(people) // page_size),
                    "total": len(people),
                    "customer": True,
                    "vendor": True,
                    "employee": True,
                    "others": True,
                }
            },
            "currency_symbol": "Rp.",
        }


def _roles(fields: Fields) -> frozenset[str]:
    return frozenset(role for role in ROLES if read.flag(fields, f"is_{role}", default=False))


def _with_path(account: Account) -> Json:
    return {"name": account.name, "number": account.number, "path": f"/accounts/{account.id}"}


def _named(account: Account) -> Json:
    return {"id": account.id, "name": account.name, "number": account.number}
