"""The demo's shop: outlets, products, customers and the account names of its books.

Every person, id and price is made up. Amounts are whole rupiah as `Decimal`.
"""

from decimal import Decimal
from typing import Literal
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

import msgspec

from ops.sandbox.scenario_mode import Mode


class Outlet(msgspec.Struct, frozen=True, kw_only=True):
    """One branch and the register that stands in it.

    `tax_decimals`: iSeller rounds a line's tax to so many places here; `tax_inclusive`: prices hold the tax.
    `rounding_multiple_idr`: totals go to the nearest multiple of it. `payout_account` None: the store's own.
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
    tax_inclusive: bool = False
    payout_account: str | None = None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A sales channel that is mapped by itself; its orders are those of an outlet for iSeller.

    `gateway` and `payment_type_name`: how its customers pay, None as everywhere.
    """

    channel: str
    detail: str | None
    name: str
    outlet_code: str
    warehouse: str
    payment_type_name: str | None = None
    account: str | None = None


class Part(msgspec.Struct, frozen=True):
    """So much of a product in one unit of another one."""

    sku: str
    quantity: Decimal


ProductKind = Literal[
    "standard", "variant", "weighed", "composite", "comboset", "modifier", "stored_value", "unknown_to_jurnal"
]


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One product; `buy_prices_idr` are the opening price and those of the three later buys.

    Stock is kept of a product unless it is made of `parts` or is stored value. `tax_percentage` None: the store's.
    """

    sku: str
    name: str
    product_id: str
    price_idr: Decimal
    taxable: bool
    buy_prices_idr: tuple[Decimal, Decimal, Decimal, Decimal]
    kind: ProductKind = "standard"
    parts: tuple[Part, ...] = ()
    tax_percentage: Decimal | None = None
    variant: str | None = None

    @property
    def in_stock(self) -> bool:
        """Tell whether stock is kept of it, rather than of what it is made of."""
        return self.kind in {"standard", "variant", "weighed", "unknown_to_jurnal"}


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
    discounts_given: str = "Discounts Given"
    rounding: str = "Rounding"
    cost_of_sales: str = "Cost of Sales"
    inventory: str = "Inventory"
    receivables: str = "Accounts Receivable"
    tax: str = "VAT Out"
    opening_balance_equity: str = "Opening Balance Equity"
    loss: str = "Waste Goods Expense"
    goods_received: str = "Goods Received"
    stock_adjustment: str = "Inventory Adjustments"
    sales_return: str = "Sales Return"
    charges: str = "Service Charges"
    shipping: str = "Shipping Income"
    stored_value_clearing: str = "iSeller Stored Value Clearing"


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A whole shop; `gateway_accounts` maps an iSeller gateway to the account its money lands in.

    `products` are kept in stock, `menu` are made of them. `type_accounts`: payment types with an account of their own.
    `liabilities`: gateways that pay out of what the shop owes. `taxes`: further percentages with the tax's name and
    its account. `sales_accounts`: products with a sales account of their own, by SKU. `place_accounts`: what an outlet
    (by code) or a channel (by name) sells onto another one, by SKU, "" for all else. `later_outlets` and `later_types`
    exist in iSeller and are mapped when somebody misses them.
    """

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
    menu: tuple[Product, ...] = ()
    channels: tuple[Channel, ...] = ()
    later_outlets: tuple[Outlet, ...] = ()
    type_accounts: dict[str, str] = {}
    later_types: tuple[str, ...] = ()
    later_taxes: tuple[Decimal, ...] = ()
    liabilities: dict[str, str] = {}
    sales_accounts: dict[str, str] = {}
    place_accounts: dict[str, dict[str, str]] = {}
    taxes: dict[Decimal, tuple[str, str]] = {}
    charge_sku: str = "ISELLER-CHARGE"
    shipping_sku: str = "ISELLER-SHIPPING"
    mode: Mode = Mode()

    @property
    def time_zone(self) -> ZoneInfo:
        """The store's time zone; it turns a moment into the date of a document."""
        return ZoneInfo(self.time_zone_name)

    def outlet(self, code: str) -> Outlet:
        """Return the outlet of this code; `KeyError` when there is none."""
        return {outlet.code: outlet for outlet in (*self.outlets, *self.later_outlets)}[code]

    def product(self, sku: str) -> Product:
        """Return the product of this SKU; `KeyError` when there is none."""
        return {product.sku: product for product in (*self.products, *self.menu)}[sku.strip()]

    def channel(self, channel: str, detail: str | None) -> Channel | None:
        """Return the channel that is mapped by itself, None for sales of an outlet."""
        return next((each for each in self.channels if (each.channel, each.detail) == (channel, detail)), None)


def guid(name: str) -> str:
    """Return the id of something of the shop, the same every time."""
    return str(uuid5(NAMESPACE_URL, f"https://kopi-nusantara.example/{name}"))


def made_product(
    sku: str, name: str, price: int, buy_prices: tuple[int, int, int, int], *, taxable: bool = True
) -> Product:
    """Return a product of whole rupiah; its id follows from its SKU."""
    opening, first, second, third = (Decimal(price_idr) for price_idr in buy_prices)
    return Product(
        sku=sku,
        name=name,
        product_id=guid(f"product/{sku}"),
        price_idr=Decimal(price),
        taxable=taxable,
        buy_prices_idr=(opening, first, second, third),
    )


def _customer(number: int, first_name: str, last_name: str, *, with_external_id: bool = True) -> Customer:
    return Customer(
        customer_id=guid(f"customer/{number}"),
        external_customer_id=f"KN-{number:04d}" if with_external_id else None,
        first_name=first_name,
        last_name=last_name,
        phone_number=f"+62-000-555-{number:04d}",
        email=f"pelanggan{number}@example.com",
    )


MAIN_OUTLET = Outlet(
    code="MO",
    name="Main Outlet",
    outlet_id=guid("outlet/MO"),
    warehouse="Main Outlet",
    register_id=guid("register/MO-1"),
    register_name="Main Register",
    register_number="3101",
    cashier_id=guid("cashier/MO-1"),
    cashier_first_name="Kasir",
    cashier_last_name="Contoh Satu",
    tax_decimals=0,
    rounding_multiple_idr=Decimal(100),
)

KELAPA_GADING_BRANCH = Outlet(
    code="KG",
    name="Kelapa Gading Branch",
    outlet_id=guid("outlet/KG"),
    warehouse="Kelapa Gading Branch",
    register_id=guid("register/KG-1"),
    register_name="Branch Register",
    register_number="3102",
    cashier_id=guid("cashier/KG-1"),
    cashier_first_name="Kasir",
    cashier_last_name="Contoh Dua",
    tax_decimals=2,
    rounding_multiple_idr=Decimal(1),
)

_PRODUCTS = (
    made_product("KN-GAYO-250", "Kopi Gayo 250 g", 89_000, (41_250, 42_117, 40_903, 43_333)),
    made_product("KN-TORAJA-250", "Kopi Toraja 250 g", 92_500, (44_100, 43_777, 45_019, 46_200)),
    made_product("KN-KINTAMANI-250", "Kopi Kintamani 250 g", 86_000, (39_999, 40_501, 38_750, 41_003)),
    made_product("KN-LATTE", "Es Kopi Susu", 28_000, (9_350, 9_611, 9_407, 9_998)),
    made_product("KN-AMERICANO", "Americano", 24_000, (6_125, 6_333, 6_211, 6_507)),
    made_product("KN-TUBRUK", "Kopi Tubruk", 18_000, (4_210, 4_333, 4_177, 4_401)),
    made_product("KN-PISANG", "Pisang Goreng", 21_500, (7_703, 7_911, 7_650, 8_019), taxable=False),
    made_product("KN-ROTI", "Roti Bakar", 26_750, (10_150, 10_419, 9_907, 10_633), taxable=False),
    made_product("KN-AIR", "Air Mineral 600 ml", 8_000, (2_917, 3_011, 2_875, 3_103), taxable=False),
    made_product("KN-CANGKIR", "Cangkir Keramik", 65_000, (27_500, 28_331, 26_999, 29_017)),
    made_product("KN-SARINGAN", "Saringan V60", 119_999, (61_000, 62_347, 60_113, 63_501)),
    made_product("KN-GULA", "Gula Aren 500 g", 37_250, (15_015, 15_433, 14_807, 15_901), taxable=False),
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
