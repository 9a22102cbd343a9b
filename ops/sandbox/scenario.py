"""The demo's shop: outlets, products, customers and the account names of its books.

Every person, id and price is made up. Amounts are whole rupiah as `Decimal`.
"""

from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import msgspec


class Outlet(msgspec.Struct, frozen=True, kw_only=True):
    """One branch and the register that stands in it.

    `tax_decimals`: iSeller rounds a line's tax to so many places here.
    `rounding_multiple_idr`: totals go to the nearest multiple of it.
    """

    code: str
    name: str
    outlet_id: str
    warehouse: str
    register_id: str
    register_name: str
    register_number: str
    cashier_id: str
    cashier_first_name: str
    cashier_last_name: str
    tax_decimals: int
    rounding_multiple_idr: Decimal


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One stock-tracked product; `buy_prices_idr` are the opening price and those of the three later buys."""

    sku: str
    name: str
    product_id: str
    price_idr: Decimal
    taxable: bool
    buy_prices_idr: tuple[Decimal, Decimal, Decimal, Decimal]


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """A registered customer as iSeller knows one."""

    customer_id: str
    external_customer_id: str | None
    first_name: str
    last_name: str
    phone_number: str
    email: str


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the Jurnal accounts that the shop's business moves."""

    cash: str = "Cash"
    bank: str = "Bank BCA"
    clearing: str = "iSeller Pay Clearing"
    payout: str = "Bank BCA"
    mdr: str = "iSeller Pay MDR"
    sales: str = "Service Revenue"
    sales_discount: str = "Sales Discount"
    rounding: str = "Rounding"
    cost_of_sales: str = "Cost of Sales"
    inventory: str = "Inventory"
    receivables: str = "Accounts Receivable"
    tax: str = "VAT Out"
    opening_balance_equity: str = "Opening Balance Equity"
    loss: str = "Waste Goods Expense"
    goods_received: str = "Goods Received"
    stock_adjustment: str = "Inventory Adjustments"


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A whole shop; `gateway_accounts` maps an iSeller gateway to the account its money lands in."""

    store: str
    store_name: str
    time_zone_name: str
    outlets: tuple[Outlet, Outlet]
    products: tuple[Product, ...]
    customers: tuple[Customer, ...]
    accounts: Accounts
    gateway_accounts: dict[str, str]
    tax_name: str
    tax_percentage: Decimal
    transit_warehouse: str
    walk_in_contact: str
    rounding_sku: str

    @property
    def time_zone(self) -> ZoneInfo:
        """The store's time zone; it turns a moment into the date of a document."""
        return ZoneInfo(self.time_zone_name)

    def outlet(self, code: str) -> Outlet:
        """Return the outlet of this code; `KeyError` when there is none."""
        return {outlet.code: outlet for outlet in self.outlets}[code]

    def product(self, sku: str) -> Product:
        """Return the product of this SKU; `KeyError` when there is none."""
        return {product.sku: product for product in self.products}[sku]


def _guid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://kopi-nusantara.example/{name}"))


def _product(
    sku: str, name: str, price: int, buy_prices: tuple[int, int, int, int], *, taxable: bool = True
) -> Product:
    opening, first, second, third = (Decimal(price_idr) for price_idr in buy_prices)
    return Product(
        sku=sku,
        name=name,
        product_id=_guid(f"product/{sku}"),
        price_idr=Decimal(price),
        taxable=taxable,
        buy_prices_idr=(opening, first, second, third),
    )


def _customer(number: int, first_name: str, last_name: str, *, with_external_id: bool = True) -> Customer:
    return Customer(
        customer_id=_guid(f"customer/{number}"),
        external_customer_id=f"KN-{number:04d}" if with_external_id else None,
        first_name=first_name,
        last_name=last_name,
        phone_number=f"+62-000-555-{number:04d}",
        email=f"pelanggan{number}@example.com",
    )


MAIN_OUTLET = Outlet(
    code="MO",
    name="Main Outlet",
    outlet_id=_guid("outlet/MO"),
    warehouse="Main Outlet",
    register_id=_guid("register/MO-1"),
    register_name="Main Register",
    register_number="3101",
    cashier_id=_guid("cashier/MO-1"),
    cashier_first_name="Kasir",
    cashier_last_name="Contoh Satu",
    tax_decimals=0,
    rounding_multiple_idr=Decimal(100),
)

KELAPA_GADING_BRANCH = Outlet(
    code="KG",
    name="Kelapa Gading Branch",
    outlet_id=_guid("outlet/KG"),
    warehouse="Kelapa Gading Branch",
    register_id=_guid("register/KG-1"),
    register_name="Branch Register",
    register_number="3102",
    cashier_id=_guid("cashier/KG-1"),
    cashier_first_name="Kasir",
    cashier_last_name="Contoh Dua",
    tax_decimals=2,
    rounding_multiple_idr=Decimal(1),
)

_PRODUCTS = (
    _product("KN-GAYO-250", "Kopi Gayo 250 g", 89_000, (41_250, 42_117, 40_903, 43_333)),
    _product("KN-TORAJA-250", "Kopi Toraja 250 g", 92_500, (44_100, 43_777, 45_019, 46_200)),
    _product("KN-KINTAMANI-250", "Kopi Kintamani 250 g", 86_000, (39_999, 40_501, 38_750, 41_003)),
    _product("KN-LATTE", "Es Kopi Susu", 28_000, (9_350, 9_611, 9_407, 9_998)),
    _product("KN-AMERICANO", "Americano", 24_000, (6_125, 6_333, 6_211, 6_507)),
    _product("KN-TUBRUK", "Kopi Tubruk", 18_000, (4_210, 4_333, 4_177, 4_401)),
    _product("KN-PISANG", "Pisang Goreng", 21_500, (7_703, 7_911, 7_650, 8_019), taxable=False),
    _product("KN-ROTI", "Roti Bakar", 26_750, (10_150, 10_419, 9_907, 10_633), taxable=False),
    _product("KN-AIR", "Air Mineral 600 ml", 8_000, (2_917, 3_011, 2_875, 3_103), taxable=False),
    _product("KN-CANGKIR", "Cangkir Keramik", 65_000, (27_500, 28_331, 26_999, 29_017)),
    _product("KN-SARINGAN", "Saringan V60", 119_999, (61_000, 62_347, 60_113, 63_501)),
    _product("KN-GULA", "Gula Aren 500 g", 37_250, (15_015, 15_433, 14_807, 15_901), taxable=False),
)

_CUSTOMERS = (
    _customer(1, "Sari", "Contoh"),
    _customer(2, "Budi", "Umpama"),
    _customer(3, "Wayan", "Misalnya", with_external_id=False),
    _customer(4, "Ratna", "Andaikata"),
    _customer(5, "Toko", "Serba Contoh", with_external_id=False),
    _customer(6, "Hendra", "Seumpama"),
)

KOPI_NUSANTARA = Scenario(
    store="kopi-nusantara",
    store_name="Kopi Nusantara",
    time_zone_name="Asia/Jakarta",
    outlets=(MAIN_OUTLET, KELAPA_GADING_BRANCH),
    products=_PRODUCTS,
    customers=_CUSTOMERS,
    accounts=Accounts(),
    gateway_accounts={"cash": "Cash", "external_debit": "Bank BCA", "iseller_pay": "iSeller Pay Clearing"},
    tax_name="PPN",
    tax_percentage=Decimal(11),
    transit_warehouse="iSeller in Transit",
    walk_in_contact="Walk-in Customer",
    rounding_sku="ISELLER-ROUNDING",
)
