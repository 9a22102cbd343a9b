"""Stock adjustments: counts and stock in/out of one warehouse."""

from collections.abc import Collection, Mapping

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.accounts import shown_account
from ops.sandbox.jurnal.books import Source
from ops.sandbox.jurnal.company import UNASSIGNED_ID, Company
from ops.sandbox.jurnal.errors import BLANK, POSITIVE, Refusal, invalid, missing, refused
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.products import Products
from ops.sandbox.jurnal.records import ZERO, Account, AdjustmentLine, StockAdjustment, Warehouse
from ops.sandbox.jurnal.references import Warehouses
from ops.sandbox.jurnal.resource import Json, Resource, shown_tags
from ops.sandbox.jurnal.shapes import currency, day, number, quantity_string
from ops.sandbox.jurnal.stock import StockMove

DEFAULT_ACCOUNTS = {
    "General": "Inventory Adjustments",
    "Waste": "Waste Goods Expense",
    "Production": "Cost of Production",
}
LINES = "stock_adjustment_lines"


class StockAdjustments(Resource[StockAdjustment]):
    """stock_adjustments: found by id, or by number when the query says so; custom_id is never seen again."""

    singular = "stock_adjustment"
    plural = "stock_adjustments"
    changed_status = 201
    can_change = True
    needs_inventory = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.stock_adjustments)
        self._products = Products(company)
        self._warehouses = Warehouses(company)

    def at(self, key: str, query: Mapping[str, str]) -> StockAdjustment:
        """Find by id, or by number with search_by=transaction_no and a transaction_type."""
        by_number = query.get("search_by") == "transaction_no" and bool(query.get("transaction_type"))
        found = self.register.named(key) if by_number else None
        if not by_number and key.isdecimal():
            found = self.register.get(int(key))
        if found is None:
            raise missing(self.company.settings.missing_answer)
        return found

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> StockAdjustment:
        """Adjust stock; the difference of a count is taken once, when it is made."""
        del check_custom_id
        adjustment = self._read(fields, None)
        self.company.stock.move(adjustment.id, _moves(adjustment, adjustment.account))
        return self.register.add(adjustment)

    def change(self, record: StockAdjustment, fields: Fields) -> StockAdjustment:
        """Replace an adjustment, read as if the one before had never been."""
        products = {line.product for line in record.lines}
        self.company.stock.undo(record.id, products)
        try:
            adjustment = self._read(fields, record)
        except Refusal:
            self.company.stock.move(record.id, _moves(record, record.account))
            raise
        self.company.stock.move(adjustment.id, _moves(adjustment, adjustment.account))
        return self.register.replace(record, adjustment)

    def _read(self, fields: Fields, known: StockAdjustment | None) -> StockAdjustment:
        heading = self.heading(fields, known, check_custom_id=False, date_field="date")
        sent_custom_id = heading.pop("custom_id")
        kind = (read.text(fields, "stock_adjustment_type") or "General").capitalize()
        if kind not in DEFAULT_ACCOUNTS:
            raise invalid({"stock_adjustment_type": "is not valid"})
        account = self.reference(self.company.accounts, fields, "account", "{} not exist")
        warehouse = self._warehouses.named_in(fields, "warehouse")
        if warehouse is None:
            warehouse = self.company.unassigned() if known is None else known.warehouse
        is_count = read.flag(fields, "maintain_actual", default=known is not None and known.is_count)
        rows = read.rows(fields, "lines_attributes", LINES)
        ids = () if known is None else tuple(line.id for line in known.lines)
        lines = tuple(self._line(row, place, warehouse, ids, is_count) for place, row in enumerate(rows, start=1))
        return StockAdjustment(
            **heading,
            kind=kind,
            is_count=is_count,
            account=account or self.company.chart[DEFAULT_ACCOUNTS[kind]],
            warehouse=warehouse,
            lines=lines,
            sent_custom_id=sent_custom_id if known is None else known.sent_custom_id,
        )

    def _line(
        self, row: Fields, place: int, warehouse: Warehouse, ids: Collection[int], is_count: bool
    ) -> AdjustmentLine:
        product = self._products.on_line(row, place)
        if not product.tracked:
            raise refused(f"{product.name} has no stock", LINES)
        recorded = self.company.stock.on_hand(product, warehouse)
        field = "actual_quantity" if is_count else "difference"
        sent = read.amount(row, field)
        if sent is None:
            raise invalid({field: BLANK})
        actual = sent if is_count else recorded + sent
        if actual < min(recorded, ZERO) and not self.company.settings.allow_negative_stock:
            raise refused(f"Stock of {product.name} is not enough", LINES)
        price = None
        if read.flag(row, "use_custom_average_price", default=False):
            price = read.amount(row, "average_price")
            if price is None or price < 0:
                raise invalid({"average_price": BLANK if price is None else POSITIVE})
        line_id = self.line_id(row, ids, LINES)
        return AdjustmentLine(id=line_id, product=product, recorded=recorded, actual=actual, price=price)

    def delete(self, record: StockAdjustment) -> None:
        """Delete an adjustment; the stock and its worth go back."""
        self.company.check_open(record.transaction_date)
        self.company.stock.undo(record.id, {line.product for line in record.lines})
        self.register.remove(record)

    def show(self, record: StockAdjustment) -> Json:
        """Return an adjustment; its number stands in `entry` only."""
        word = "Stock Count" if record.is_count else "Stock In/Out"
        tags = shown_tags(record)
        assigned = record.warehouse.id != UNASSIGNED_ID
        return {
            "id": record.id,
            "memo": record.memo,
            "date": day(record.transaction_date),
            "adjustment_type": record.kind,
            "account": shown_account(record.account),
            "warehouse": {
                "id": record.warehouse.id if assigned else None,
                "name": record.warehouse.name if assigned else None,
                "code": record.warehouse.code if assigned else None,
            },
            "stock_adjustment_lines_attributes": [self._shown(line) for line in record.lines],
            "entry": {"transaction_number": f"{word}#{record.name}"},
            "tag": tags["tags"] or [],
            "tags_string": tags["tags_string"],
            "editable": True,
            "deletable": True,
        }

    def _shown(self, line: AdjustmentLine) -> Json:
        price = self.company.stock.average(line.product) if line.price is None else line.price
        counts = {
            "recorded_quantity": line.recorded,
            "actual_quantity": line.actual,
            "difference": line.difference,
        }
        return {
            "id": line.id,
            "product": {"id": line.product.id, "name": line.product.name, "code": line.product.code or ""},
            **{key: number(count) for key, count in counts.items()},
            "average_price": number(price),
            **{f"{key}_company_quantity_format": quantity_string(count) for key, count in counts.items()},
            "average_price_currency_format": currency(price).replace("  ", " "),
        }


def _moves(adjustment: StockAdjustment, account: Account) -> list[StockMove]:
    source = Source("Stock Adjustment", adjustment.name, adjustment.memo or "")
    return [
        StockMove(
            line.product,
            adjustment.warehouse,
            adjustment.transaction_date,
            line.difference,
            account,
            source,
            line.price,
        )
        for line in adjustment.lines
    ]
