"""Short lists the documents refer to: taxes, payment methods, tags, terms and warehouses."""

from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.company import UNASSIGNED_ID, Company
from ops.sandbox.jurnal.errors import TAKEN, invalid, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.records import ZERO, PaymentMethod, Product, Tag, Tax, Term, Warehouse
from ops.sandbox.jurnal.resource import Json, R, Resource, stamps
from ops.sandbox.jurnal.shapes import day, decimal_string, quantity_string


class _Named(Resource[R]):
    """A record whose name is used once."""

    def new_name(self, fields: Fields) -> tuple[str, str | None]:
        """Return name and custom_id of a record to be made; 422 for a used name, 409 for a used custom_id."""
        name, custom_id = read.required_text(fields, "name"), read.text(fields, "custom_id")
        if self.register.named(name) is not None:
            raise invalid({"name": TAKEN})
        self.check_keys(custom_id, None)
        return name, custom_id


class Taxes(_Named[Tax]):
    """taxes; the wrapper of answers is company_tax."""

    singular = "tax"
    plural = "taxes"
    answer_singular = "company_tax"
    answer_plural = "company_taxes"
    created_status = 200

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.taxes)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Tax:
        """Make a tax; without accounts it posts to VAT Out and VAT In."""
        del check_custom_id
        name, custom_id = self.new_name(fields)
        rate = read.amount(fields, "rate")
        if rate is None or rate < 0:
            raise invalid({"rate": "is not a number" if rate is None else "must be greater than or equal to 0"})
        accounts, message = self.company.accounts, "{} not exist"
        sell = self.reference(accounts, fields, "sell_tax_account", message) or self.company.chart["VAT Out"]
        buy = self.reference(accounts, fields, "buy_tax_account", message) or self.company.chart["VAT In"]
        made = self.company.now()
        tax = Tax(
            id=self.company.new_id(),
            name=name,
            custom_id=custom_id,
            created_at=made,
            updated_at=made,
            rate=rate,
            is_witholding=read.flag(fields, "is_witholding", default=False),
            sell_account=sell,
            buy_account=buy,
        )
        return self.register.add(tax)

    def show(self, record: Tax) -> Json:
        """Return a tax."""
        return {
            "id": record.id,
            "name": record.name,
            "custom_id": record.custom_id,
            "rate": decimal_string(record.rate),
            "buy_tax_account": {"id": record.buy_account.id, "name": record.buy_account.name},
            "sell_tax_account": {"id": record.sell_account.id, "name": record.sell_account.name},
        }


class PaymentMethods(_Named[PaymentMethod]):
    """payment_methods; one alone stands without a wrapper, a list without totals."""

    singular = "payment_method"
    plural = "payment_methods"
    created_status = 200
    single_is_wrapped = False
    list_envelope = "bare"

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.payment_methods)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> PaymentMethod:
        """Make a payment method."""
        del check_custom_id
        name, custom_id = self.new_name(fields)
        return self.named(name, custom_id)

    def named(self, name: str, custom_id: str | None = None) -> PaymentMethod:
        """Return the method of a name, made if nobody did before."""
        made = self.company.now()
        method = PaymentMethod(
            id=self.company.new_id(), name=name, custom_id=custom_id, created_at=made, updated_at=made
        )
        return self.register.named(name) or self.register.add(method)

    def show(self, record: PaymentMethod) -> Json:
        """Return a payment method."""
        return {"id": record.id, "name": record.name, **stamps(record), "custom_id": record.custom_id}


class Tags(_Named[Tag]):
    """tags; their list has no totals."""

    singular = "tag"
    plural = "tags"
    list_envelope = "bare"

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.tags)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Tag:
        """Make a tag."""
        del check_custom_id
        name, custom_id = self.new_name(fields)
        made = self.company.now()
        tag = Tag(id=self.company.new_id(), name=name, custom_id=custom_id, created_at=made, updated_at=made)
        return self.register.add(tag)

    def show(self, record: Tag) -> Json:
        """Return a tag."""
        return {"id": record.id, "name": record.name, "custom_id": record.custom_id}


class TermsOfPayment(_Named[Term]):
    """terms: days until due, spelled longetivity."""

    singular = "term"
    plural = "terms"

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.terms)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Term:
        """Make terms of payment."""
        del check_custom_id
        name, custom_id = self.new_name(fields)
        days = read.amount(fields, "longetivity")
        if days is None or days < 0 or days.denominator != 1:
            raise invalid({"longetivity": "is not a number"})
        made = self.company.now()
        term = Term(
            id=self.company.new_id(), name=name, custom_id=custom_id, created_at=made, updated_at=made, days=int(days)
        )
        return self.register.add(term)

    def show(self, record: Term) -> Json:
        """Return terms of payment."""
        used = any(invoice.terms.term is record for invoice in self.company.sales_invoices)
        default = record.name == "Net 30"
        return {
            "id": record.id,
            "name": record.name,
            "longetivity": record.days,
            "is_used?": used,
            "is_default?": default,
        }


class Warehouses(_Named[Warehouse]):
    """warehouses; one alone shows its stock."""

    singular = "warehouse"
    plural = "warehouses"
    needs_inventory = True
    created_status = 200

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.warehouses)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Warehouse:
        """Make a warehouse."""
        del check_custom_id
        name, custom_id = self.new_name(fields)
        code = read.text(fields, "code") or ""
        if code and any(warehouse.code == code for warehouse in self.register):
            raise invalid({"code": TAKEN})
        made = self.company.now()
        warehouse = Warehouse(
            id=self.company.new_id(),
            name=name,
            custom_id=custom_id,
            created_at=made,
            updated_at=made,
            code=code,
            address=read.text(fields, "address") or "",
            description=read.text(fields, "description") or "",
        )
        return self.register.add(warehouse)

    def named_in(self, fields: Fields, stem: str) -> Warehouse | None:
        """Find the warehouse that <stem>_id, _name or _code names; -1 is Unassigned."""
        found = self.reference(self.register, fields, stem, "Warehouse not exist")
        code = read.text(fields, f"{stem}_code")
        if code is None:
            return found
        coded = next((warehouse for warehouse in self.register if warehouse.code == code), None)
        if coded is None or (found is not None and found is not coded):
            raise invalid({f"{stem}_code": "Warehouse not exist"}, ["Warehouse not exist"])
        return coded

    def delete(self, record: Warehouse) -> None:
        """Delete a warehouse nothing ever moved through."""
        stock, products = self.company.stock, self.company.products
        if record.id == UNASSIGNED_ID or any(
            made.warehouse is record for product in products for made in stock.moves(product)
        ):
            raise unprocessable()
        self.register.remove(record)

    def show(self, record: Warehouse) -> Json:
        """Return a warehouse with the quantity of every product that has been there."""
        held = [(product, self._quantity(record, product)) for product in self.company.products if product.tracked]
        inventory = [
            {
                "id": product.id,
                "name": product.name,
                "code": product.code or "",
                "quantity": decimal_string(quantity),
            }
            for product, quantity in held
            if quantity is not None
        ]
        return self._shown(record, inventory, self._transactions(record))

    def show_row(self, record: Warehouse) -> Json:
        """Return the row of the warehouse list; it shows no stock."""
        return self._shown(record, [], [])

    def _quantity(self, warehouse: Warehouse, product: Product) -> Fraction | None:
        moved = any(made.warehouse is warehouse for made in self.company.stock.moves(product))
        return self.company.stock.on_hand(product, warehouse) if moved else None

    def _transactions(self, warehouse: Warehouse) -> list[Json]:
        """Return one row per document that moved stock here, by date."""
        rows: dict[tuple[str, str], Json] = {}
        sums: dict[tuple[str, str], Fraction] = {}
        for product in self.company.products:
            for made in self.company.stock.moves(product):
                if made.warehouse is not warehouse:
                    continue
                key = (made.source.transaction_type, made.source.number)
                sums[key] = sums.get(key, ZERO) + made.quantity
                row = rows.setdefault(key, {"date": day(made.day), "transaction_date": day(made.day)})
                row.update(
                    transaction_no=made.source.number,
                    transaction_type_id=TRANSACTION_TYPES.get(made.source.transaction_type),
                    type_and_number=f"{made.source.transaction_type} #{made.source.number}",
                    quantity=quantity_string(sums[key]),
                    total_item=row.get("total_item", 0) + 1,
                )
        return list(rows.values())

    def _shown(self, record: Warehouse, inventory: list[Json], transactions: list[Json]) -> Json:
        unassigned = record.id == UNASSIGNED_ID
        return {
            "id": record.id,
            "name": record.name,
            "code": record.code,
            "address": record.address,
            "description": record.description,
            "custom_id": record.custom_id,
            **stamps(record),
            "deletable": not unassigned,
            "editable": not unassigned,
            "warehouse_inventory": inventory,
            "transactions": transactions,
        }


TRANSACTION_TYPES = {"Sales Invoice": 1, "Sales Return": 12, "Warehouse Transfer": 25, "Stock Adjustment": 26}
