"""Products and services."""

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.books import INVENTORY
from ops.sandbox.jurnal.company import COMPANY_ID, Company
from ops.sandbox.jurnal.errors import TAKEN, invalid, refused, taken, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.records import ZERO, Account, Product, Tax
from ops.sandbox.jurnal.resource import Json, Resource, stamps
from ops.sandbox.jurnal.shapes import CURRENCY, currency, decimal_string, number, quantity_string


class Products(Resource[Product]):
    """products: list (small pages), get by id or custom_id, create, batch, change, archive, delete."""

    singular = "product"
    plural = "products"
    batch_status = 200
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.products)

    def page_size_max(self) -> int:
        """Return the small cap that products have."""
        return self.company.settings.products_page_size_max

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Product:
        """Make a product; a used code answers 409 with the id of the existing one."""
        name, code = read.required_text(fields, "name"), read.text(fields, "product_code")
        unit, custom_id = read.required_text(fields, "unit_name"), read.text(fields, "custom_id")
        self._check_code(code, None)
        self.check_keys(custom_id if check_custom_id else None, None)
        tracked = read.flag(fields, "track_inventory", default=False) and self.company.settings.plan_with_inventory
        made, company = self.company.now(), self.company
        product = Product(
            id=company.new_id(),
            name=name,
            custom_id=custom_id,
            created_at=made,
            updated_at=made,
            code=code,
            description=read.text(fields, "description"),
            unit=unit,
            tracked=tracked,
            is_sold=read.flag(fields, "is_sold", default=True),
            is_bought=read.flag(fields, "is_bought", default=True),
            sell_account=self._account(fields, "sell_account") or company.chart["Service Revenue"],
            buy_account=self._account(fields, "buy_account") or company.chart["Cost of Sales"],
            inventory_account=self._inventory(fields) if tracked else None,
            sell_price=read.amount(fields, "sell_price_per_unit") or ZERO,
            buy_price=read.amount(fields, "buy_price_per_unit") or ZERO,
            sell_tax=self._tax(fields, "sell_tax"),
            buy_tax=self._tax(fields, "buy_tax"),
        )
        if code is not None:
            company.products_by_code[code] = product
        return self.register.add(product)

    def _check_code(self, code: str | None, of: Product | None) -> None:
        known = None if code is None else self.company.products_by_code.get(code)
        if known is not None and known is not of and self.company.sees(known):
            raise taken(known.id, {"product_code": TAKEN})

    def change(self, record: Product, fields: Fields) -> Product:
        """Change what is sent; whether stock is tracked and the accounts it stands in stay once it moved."""
        name, code = read.text(fields, "name") or record.name, read.text(fields, "product_code") or record.code
        custom_id = read.text(fields, "custom_id") or record.custom_id
        self._check_code(code, record)
        self.check_keys(custom_id, None, of=record)
        accounts = {stem: self._account(fields, stem) for stem in ("sell_account", "buy_account")}
        taxes = {stem: self._tax(fields, stem) for stem in ("sell_tax", "buy_tax")}
        self._change_stock(record, fields, accounts["buy_account"])
        if record.code is not None:
            del self.company.products_by_code[record.code]
        if code is not None:
            self.company.products_by_code[code] = record
        self.register.rename(record, name, custom_id)
        record.code, record.updated_at = code, self.company.now()
        record.description = read.text(fields, "description") if "description" in fields else record.description
        record.unit = read.text(fields, "unit_name") or record.unit
        record.is_sold = read.flag(fields, "is_sold", default=record.is_sold)
        record.is_bought = read.flag(fields, "is_bought", default=record.is_bought)
        for stem, found in (accounts | taxes).items():
            if found is not None:
                setattr(record, stem, found)
        for stem in ("sell", "buy"):
            price = read.amount(fields, f"{stem}_price_per_unit")
            if price is not None:
                setattr(record, f"{stem}_price", price)
        return record

    def _change_stock(self, record: Product, fields: Fields, buy_account: Account | None) -> None:
        tracked = read.flag(fields, "track_inventory", default=record.tracked)
        inventory = self._inventory(fields, record.inventory_account) if tracked else None
        moved = self.company.stock.used(record) or bool(record.sold_quantity)
        changed = (tracked, inventory) != (record.tracked, record.inventory_account)
        if moved and (changed or buy_account not in {None, record.buy_account}):
            raise unprocessable()
        record.tracked, record.inventory_account = tracked, inventory

    def archive(self, record: Product, *, archived: bool) -> Product:
        """Put a product out of use, or back into it; what names it stays."""
        record.archived, record.updated_at = archived, self.company.now()
        return record

    def _account(self, fields: Fields, stem: str) -> Account | None:
        """Find an account by id, name or number; what is sent must name one account."""
        account = self.reference(self.company.accounts, fields, stem, "{} not exist")
        written = read.text(fields, f"{stem}_number")
        if written is None:
            return account
        numbered = next((known for known in self.company.accounts if known.number == written), None)
        if numbered is None or (account is not None and account is not numbered):
            raise invalid({f"{stem}_number": f"{written} not exist"})
        return numbered

    def _inventory(self, fields: Fields, known: Account | None = None) -> Account:
        account = self._account(fields, "inventory_asset_account") or known or self.company.chart["Inventory"]
        if account.category_id != INVENTORY:
            raise invalid({"inventory_asset_account": "is not an Inventory account"})
        return account

    def _tax(self, fields: Fields, stem: str) -> Tax | None:
        return self.reference(self.company.taxes, fields, stem, "{} not exist")

    def delete(self, record: Product) -> None:
        """Delete a product no document names."""
        if self.used(record):
            raise unprocessable()
        if record.code is not None:
            del self.company.products_by_code[record.code]
        self.register.remove(record)

    def used(self, product: Product) -> bool:
        """Tell whether a document names the product."""
        return bool(product.sold_quantity) or self.company.stock.used(product)

    def on_line(self, fields: Fields, row: int) -> Product:
        """Find the product of a document's line by id, custom_id, name or code; name and code must agree."""
        message = f"Product in transaction lines attributes on row {row} not available"
        number_, key = read.text(fields, "product_id"), read.text(fields, "product_custom_id")
        by_id = self.register.get(int(number_)) if number_ is not None and number_.isdecimal() else None
        by_key = None if key is None else self.register.keyed(key)
        name, code = read.text(fields, "product_name"), read.text(fields, "product_code")
        by_name = None if name is None else self.register.named(name)
        by_code = None if code is None else self.company.products_by_code.get(code)
        asked: tuple[tuple[str | None, Product | None], ...] = ((number_, by_id), (key, by_key))
        if number_ is None and key is None:
            asked = ((name, by_name), (code, by_code))
            if by_name is not None and by_code is not None and by_name.name == by_code.name:
                asked = ((code, by_code),)
        found = {product for sent, product in asked if sent is not None}
        product = found.pop() if len(found) == 1 else None
        if product is None or product.archived:
            raise refused(message, "transaction_lines")
        return product

    def show(self, record: Product) -> Json:
        """Return a product with its stock and average cost."""
        used, quantity = self.used(record), self.company.stock.total(record)
        average = self.company.stock.average(record) if record.tracked else ZERO
        return {
            "id": record.id,
            "name": record.name,
            "product_code": record.code,
            "source": "apikey",
            "description": record.description,
            "init_date": record.created_at.date().isoformat(),
            "init_quantity": decimal_string(ZERO),
            "active": not record.archived,
            "is_bought": record.is_bought,
            "is_sold": record.is_sold,
            **stamps(record),
            "is_system": False,
            "custom_id": record.custom_id,
            "archive": record.archived,
            "track_inventory": record.tracked,
            "is_import": False,
            "last_created_inventory": "",
            "last_created_inventory_format_date": "",
            "last_updated_inventory": "",
            "last_updated_inventory_format_date": "",
            "company": {"id": COMPANY_ID, "name": self.company.settings.company_name},
            "taxable_buy": record.buy_tax is not None,
            "taxable_sell": record.sell_tax is not None,
            "deletable": not used,
            "editable": True,
            "quantity": quantity_string(quantity),
            "is_bundle": False,
            "unit": {"id": _unit_id(record), "name": record.unit},
            "image": {"name": None, "url": None, "mini_url": None},
            "has_purchase": False,
            "has_sales": bool(record.sold_quantity),
            "has_transaction_before_last_close_the_book": False,
            "product_categories": None,
            "product_categories_string": "",
            **_prices(record),
            "average_price": number(average),
            "average_price_currency_format": currency(average),
            "init_price": decimal_string(ZERO),
            "init_price_currency_format": currency(ZERO),
            "inventory_asset_account": _named(record.inventory_account),
            "total_quantity_in_transaction": {
                "total_quantity_in_sales": number(record.sold_quantity),
                "total_quantity_in_purchases": 0,
            },
            "company_currency": CURRENCY,
        }


def _prices(product: Product) -> Json:
    shown: Json = {}
    for side, price, tax, account in (
        ("buy", product.buy_price, product.buy_tax, product.buy_account),
        ("sell", product.sell_price, product.sell_tax, product.sell_account),
    ):
        shown |= {
            f"{side}_price_per_unit": decimal_string(price),
            f"{side}_price_per_unit_currency_format": currency(price),
            f"{side}_tax_id": None if tax is None else tax.id,
            f"{side}_account": _named(account),
        }
    return shown


def _named(account: Account | None) -> Json:
    if account is None:
        return {"id": None, "name": None, "number": None}
    return {"id": account.id, "name": account.name, "number": account.number}


def _unit_id(product: Product) -> int:
    """Return a stable id for a unit, which has no record of its own here."""
    return 1 + sum(product.unit.encode())


def shown_unit(product: Product) -> Json:
    """Return the unit block of a line."""
    return {"id": _unit_id(product), "name": product.unit}
