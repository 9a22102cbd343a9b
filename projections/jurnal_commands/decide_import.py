"""Judges what an import of a product asks of Jurnal: the product once, and what its outlets begin with. Pure.

It goes before Live Mode as after it: an import is set up, not business. The identities are the product's, and the
product's at an outlet, so asking twice makes nothing twice.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from eventstore.event import Fact
from eventstore.facts.operators import ImportedProduct, OpeningStock
from projections.changes.products import ProductState, product_stream
from projections.changes.settings import StoreSettings
from projections.jurnal_commands.commands import AdjustStock, CreateProduct, StockChange
from projections.jurnal_commands.decision import Decision, Noted, Planned, SyncRecord
from projections.jurnal_commands.identity import command_id


def judge_product(state: ProductState, settings: StoreSettings, fact: Fact) -> tuple[ProductState, Sequence[Decision]]:
    """Return the commands of a product that is not planned yet; its stock stands behind it in its lane."""
    if state.planned:
        return state, ()
    decisions = [_product(settings, fact, state.product), *_stock(settings, fact, state.product, state.stock_date)]
    return msgspec.structs.replace(state, planned=True), [
        decision for decision in decisions if decision.record.record_id not in state.skipped_records
    ]


def _product(settings: StoreSettings, fact: Fact, product: ImportedProduct) -> Decision:
    record = SyncRecord(record_id=f"product-{product.product_id}", kind="product", reference=product.sku)
    if settings.connection is None:
        return Noted(record=record, state="skipped", reason="The store is not connected to a Jurnal company")
    store = settings.sales_accounts.get("")
    mapped = (store.products.get(product.sku) or store.account) if store else None
    liability = settings.rules.stored_value_products.get(product.sku)
    command = CreateProduct(
        product_code=product.sku,
        name=product.name,
        unit=product.unit,
        track_inventory=product.track_inventory and liability is None,
        sell_price=product.sell_price,
        buy_price=product.buy_price,
        sell_account=liability or mapped,
    )
    return Planned(
        command_id=command_id(fact.store_id, command),
        command=command,
        lane=product_stream(product.product_id),
        record=record,
    )


def _stock(settings: StoreSettings, fact: Fact, product: ImportedProduct, stock_date: date) -> Iterator[Decision]:
    # What is owed to a customer is no goods: Jurnal tracks no stock of it.
    if (
        settings.connection is None
        or not product.track_inventory
        or product.sku in settings.rules.stored_value_products
    ):
        return
    for stock in product.stock:
        yield _opening(settings, fact, product, stock, stock_date)


def _opening(
    settings: StoreSettings, fact: Fact, product: ImportedProduct, stock: OpeningStock, stock_date: date
) -> Decision:
    outlet, account = settings.outlets.get(stock.outlet_id), settings.rules.opening_account
    record = SyncRecord(
        record_id=f"opening-{stock.outlet_id}-{product.product_id}",
        kind="stock_adjustment",
        reference=product.sku,
        outlet=outlet.outlet_name if outlet else None,
        business_date=stock_date,
        amount=stock.quantity * stock.unit_price,
    )
    if outlet is None:
        what_to_do = "Map it, and enter what it has of the product in Jurnal by hand"
        return Noted(record=record, state="skipped", reason="The outlet is not mapped", what_to_do=what_to_do)
    if account is None:
        what_to_do = "Name it as sales.opening_account, and enter the opening stock in Jurnal by hand"
        return Noted(record=record, state="failed", reason="No opening account is mapped", what_to_do=what_to_do)
    command = AdjustStock(
        transfer_id=product.product_id,
        transfer_number=product.sku,
        adjustment_id=f"opening:{stock.outlet_id}:{product.product_id}",
        transaction_date=stock_date,
        warehouse=outlet.warehouse,
        account=account,
        lines=(StockChange(product.sku, stock.quantity, stock.unit_price),),
    )
    return Planned(
        command_id=command_id(fact.store_id, command),
        command=command,
        lane=product_stream(product.product_id),
        record=record,
    )
