"""Warehouse transfers: stock moves, the books do not."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.books import Source
from ops.sandbox.jurnal.company import UNASSIGNED_ID, Company
from ops.sandbox.jurnal.errors import BLANK, POSITIVE, invalid, missing, refused
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.products import Products, shown_unit
from ops.sandbox.jurnal.records import ZERO, TransferLine, Warehouse, WarehouseTransfer
from ops.sandbox.jurnal.references import Warehouses
from ops.sandbox.jurnal.resource import Json, Resource
from ops.sandbox.jurnal.shapes import day, decimal_string
from ops.sandbox.jurnal.stock import StockMove


class WarehouseTransfers(Resource[WarehouseTransfer]):
    """warehouse_transfers: found by id or number; custom_id is taken and never seen again."""

    singular = "warehouse_transfer"
    plural = "warehouse_transfers"
    needs_inventory = True
    created_status = 200

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.warehouse_transfers)
        self._products = Products(company)
        self._warehouses = Warehouses(company)

    def at(self, key: str, query: Mapping[str, str]) -> WarehouseTransfer:
        """Find by id, else by number."""
        del query
        found = self.register.get(int(key)) if key.isdecimal() else None
        found = found or self.register.named(key)
        if found is None:
            raise missing(self.company.settings.missing_answer)
        return found

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> WarehouseTransfer:
        """Move stock from one warehouse to another; only the number is checked for repeats."""
        del check_custom_id
        sent_number = read.text(fields, "transaction_no")
        self.check_keys(None, sent_number)
        transaction_date = read.required_day(fields, "transaction_date")
        self.company.check_open(transaction_date)
        source, target = self._warehouse(fields, "from_warehouse"), self._warehouse(fields, "to_warehouse")
        if source is target:
            raise invalid({"to_warehouse": "must differ from from_warehouse"})
        rows = read.rows(fields, "warehouse_transfer_lines_attributes", "warehouse_transfer_lines")
        lines = tuple(self._line(row, place) for place, row in enumerate(rows, start=1))
        if not self.company.settings.allow_negative_stock:
            self._check_stock(lines, source)
        made = self.company.now()
        transfer = WarehouseTransfer(
            id=self.company.new_id(),
            name=sent_number or self.register.free_number(),
            created_at=made,
            updated_at=made,
            transaction_date=transaction_date,
            memo=read.text(fields, "memo"),
            from_warehouse=source,
            to_warehouse=target,
            lines=lines,
            sent_custom_id=read.text(fields, "custom_id"),
        )
        self.company.stock.move(transfer.id, _moves(transfer))
        return self.register.add(transfer)

    def _warehouse(self, fields: Fields, stem: str) -> Warehouse:
        warehouse = self._warehouses.named_in(fields, stem)
        if warehouse is None:
            raise invalid({stem: BLANK})
        return warehouse

    def _line(self, row: Fields, place: int) -> TransferLine:
        product, quantity = self._products.on_line(row, place), read.amount(row, "quantity")
        if quantity is None or quantity <= 0:
            raise invalid({"quantity": POSITIVE})
        if not product.tracked:
            raise refused(f"{product.name} has no stock", "warehouse_transfer_lines")
        return TransferLine(id=self.company.new_id(), product=product, quantity=quantity)

    def _check_stock(self, lines: tuple[TransferLine, ...], source: Warehouse) -> None:
        needed: dict[int, Fraction] = {}
        for line in lines:
            needed[line.product.id] = needed.get(line.product.id, ZERO) + line.quantity
            if needed[line.product.id] > self.company.stock.on_hand(line.product, source):
                raise refused(f"Stock of {line.product.name} is not enough", "warehouse_transfer_lines")

    def change(self, record: WarehouseTransfer, fields: Fields) -> WarehouseTransfer:
        """Replace the lines, as a person can in Jurnal's pages; the interface has no PATCH of transfers."""
        rows = read.rows(fields, "warehouse_transfer_lines_attributes", "warehouse_transfer_lines")
        lines = tuple(self._line(row, place) for place, row in enumerate(rows, start=1))
        changed = replace(record, lines=lines, updated_at=self.company.now())
        self.company.stock.undo(record.id, {line.product for line in record.lines})
        self.company.stock.move(changed.id, _moves(changed))
        return self.register.replace(record, changed)

    def delete(self, record: WarehouseTransfer) -> None:
        """Delete a transfer; the stock goes back."""
        self.company.check_open(record.transaction_date)
        self.company.stock.undo(record.id, {line.product for line in record.lines})
        self.register.remove(record)

    def show(self, record: WarehouseTransfer) -> Json:
        """Return a transfer; the key of the lines is singular here."""
        return self._shown(record) | {
            "warehouse_transfer_line_attributes": [
                {
                    "id": line.id,
                    "quantity": decimal_string(line.quantity),
                    "product": {
                        "id": line.product.id,
                        "name": line.product.name,
                        "code": line.product.code or "",
                        "unit": shown_unit(line.product),
                    },
                }
                for line in record.lines
            ]
        }

    def show_row(self, record: WarehouseTransfer) -> Json:
        """Return the row of a list, which has no lines."""
        return self._shown(record)

    def _shown(self, record: WarehouseTransfer) -> Json:
        return {
            "id": record.id,
            "transaction_date": day(record.transaction_date),
            "transaction_no": record.name,
            "memo": record.memo or "",
            "from_warehouse": _warehouse(record.from_warehouse),
            "to_warehouse": _warehouse(record.to_warehouse),
        }


def _moves(transfer: WarehouseTransfer) -> list[StockMove]:
    source = Source("Warehouse Transfer", transfer.name, transfer.memo or "")
    ends = ((transfer.from_warehouse, -1), (transfer.to_warehouse, 1))
    return [
        StockMove(line.product, warehouse, transfer.transaction_date, sign * line.quantity, None, source)
        for line in transfer.lines
        for warehouse, sign in ends
    ]


def _warehouse(warehouse: Warehouse) -> Json:
    """Return the block of a warehouse; Unassigned has no name here."""
    name = None if warehouse.id == UNASSIGNED_ID else warehouse.name
    return {"id": warehouse.id, "name": name, "code": warehouse.code}
