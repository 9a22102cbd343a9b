"""Folds master data into tables: look-ups in Jurnal's by kind and key, iSeller's products by their id."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from eventstore.event import Fact
from eventstore.facts.answers import MasterDataFound
from eventstore.facts.registry import Meaning
from eventstore.facts.reports.products import ProductReport
from projections.changes.settings import StoreSettings
from projections.projection import NOTHING, Evolved, Row, States, Table

_ZERO = Decimal(0)


class MasterDataRow(Row, frozen=True, kw_only=True):
    """One thing of Jurnal's: `key` is the name or code that commands use."""

    key_fields: ClassVar[int] = 2

    kind: str
    key_: str
    jurnal_id: int
    name: str
    category: str | None
    rate: Decimal | None
    updated: int


class ProductRow(Row, frozen=True, kw_only=True):
    """One product of iSeller's: `sku` as Jurnal's codes are compared with it, `told_sku` as it came. Prices in IDR."""

    product_id: str
    sku: str
    told_sku: str
    name: str
    product_type: str
    unit: str
    price: Decimal
    buying_price: Decimal
    track_inventory: bool
    is_active: bool
    updated: int


class MasterData:
    """The projection `master_data`: the last look-up and the last report count."""

    name: ClassVar[str] = "master_data"
    state_type: ClassVar[Any] = StoreSettings
    row_tables: ClassVar[Sequence[str]] = ("master_data", "iseller_product")
    tables: ClassVar[Sequence[Table]] = (
        Table(__package__, "save_master_data", MasterDataRow),
        Table(__package__, "save_products", ProductRow),
    )

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Need no state."""
        del fact, meaning
        return ()

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Remember a look-up or a product."""
        del states
        match meaning:
            case MasterDataFound():
                return Evolved({}, (_found(meaning, fact),))
            case ProductReport():
                return Evolved({}, (_product(meaning, fact),))
            case _:
                return NOTHING


def _found(found: MasterDataFound, fact: Fact) -> MasterDataRow:
    return MasterDataRow(
        kind=found.kind,
        key_=found.key,
        jurnal_id=found.jurnal_id,
        name=found.name,
        category=found.category,
        rate=found.rate,
        updated=fact.position,
    )


def _product(report: ProductReport, fact: Fact) -> ProductRow:
    told = report.sku or ""
    return ProductRow(
        product_id=report.product_id,
        sku=told.strip(),
        told_sku=told,
        name=report.name or "",
        product_type=(report.product_type or "").lower(),
        unit=report.unit_of_measurement or "",
        price=report.price or _ZERO,
        buying_price=report.buying_price or _ZERO,
        track_inventory=bool(report.track_inventory),
        # A report that does not say it is of a product that is sold.
        is_active=report.is_active is not False,
        updated=fact.position,
    )
