"""Reports of quantities per warehouse."""

from collections.abc import Mapping
from typing import Any

from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.periods import read_period
from ops.sandbox.jurnal.records import ZERO
from ops.sandbox.jurnal.resource import Json
from ops.sandbox.jurnal.shapes import number, quantity_string, read_day


class StockReports:
    """Quantities as of a date; no worth."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def warehouse_stock_quantity(self, query: Mapping[str, str]) -> Json:
        """Return the quantity of every tracked product in every warehouse at end_date."""
        company = self._company
        period = read_period(query, company.today())
        rows = []
        for product in company.products:
            if not product.tracked:
                continue
            held = [(house, company.stock.on_hand(product, house, period.last)) for house in company.warehouses]
            link = f"/products/detail/{product.id}"
            rows.append(
                {
                    "product_code": product.code or "",
                    "product_code_url": link,
                    "product_name": product.name,
                    "product_name_url": link,
                    "warehouses": [{"name": house.name, "quantity": quantity_string(count)} for house, count in held],
                    "total_quantity": quantity_string(sum((count for _, count in held), ZERO)),
                    "product_unit": product.unit,
                }
            )
        header = {
            "report_date": period.label,
            "currency": "(in IDR)",
            "company_name": company.settings.company_name,
        }
        return {"warehouse_stock_quantity": {"header": header, "list": rows}}

    def quantity_per_warehouse(self, query: Mapping[str, str]) -> tuple[int, Json]:
        """Return the stock of the products in `ids` on a date, per warehouse, with the HTTP status."""
        company = self._company
        keys = [key.strip() for key in query.get("ids", "").split(",") if key.strip()]
        if not keys:
            return 400, {"message": "Query ids cannot be empty", "status": 400}
        last = read_day(query.get("transaction_date", "")) or company.today()
        found = (company.products.get(int(key)) for key in keys if key.isdecimal())
        rows: list[Json] = []
        for product in found:
            if product is None:
                continue
            held = [(house, company.stock.on_hand(product, house, last)) for house in company.warehouses]
            shelves: list[dict[str, Any]] = [
                {
                    "id": house.id,
                    "name": house.name,
                    "code": house.code,
                    "address": house.address,
                    "quantity": number(count),
                }
                for house, count in held
            ]
            rows.append(
                {
                    "id": product.id,
                    "name": product.name,
                    "code": product.code,
                    "quantity": number(sum((count for _, count in held), ZERO)),
                    "track_inventory": product.tracked,
                    "unit": product.unit,
                    "warehouse_inventory": shelves,
                }
            )
        return 200, {"data": rows, "message": "Product quantity per warehouse retrieved", "status": 200}
