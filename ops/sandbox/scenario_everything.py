"""The same shop with everything that a day can bring: more products, taxes, channels, and ways to pay."""

from decimal import Decimal

import msgspec

from ops.sandbox.scenario import (
    KELAPA_GADING_BRANCH,
    KOPI_NUSANTARA,
    MAIN_OUTLET,
    Channel,
    Outlet,
    Part,
    Product,
    Scenario,
    guid,
    made_product,
)
from ops.sandbox.scenario_mode import Mode, drawn_mode

RESTAURANT_TAX = Decimal(10)
UNMAPPED_TAX = Decimal(12)
_DRINKS = frozenset({"KN-LATTE", "KN-AMERICANO", "KN-TUBRUK"})
_MERCHANDISE = "Merchandise Sales"
# What the branch and a marketplace sell onto accounts of their own, where that is a journal entry an invoice.
_PLACE_ACCOUNTS = {
    "KG": {"KN-GAYO-250": "Branch Sales", "KN-CANGKIR": "Branch Sales", "KN-PAKET": "Branch Sales"},
    "Tokopedia": {"": "Marketplace Sales"},
}
TOKOPEDIA = Channel(
    channel="marketplace",
    detail="tokopedia",
    name="Tokopedia",
    outlet_code="MO",
    warehouse="Gudang Online",
    payment_type_name="Tokopedia",
    account="Tokopedia Wallet",
)
GOFOOD = Channel(
    channel="food_delivery",
    detail="gofood",
    name="GoFood",
    outlet_code="KG",
    warehouse="Kelapa Gading Branch",
    payment_type_name="GoFood",
    account="GoFood Wallet",
)

BANDUNG = Outlet(
    code="BD",
    name="Bandung Kiosk",
    outlet_id=guid("outlet/BD"),
    warehouse="Bandung Kiosk",
    register_id=guid("register/BD-1"),
    register_name="Kiosk Register",
    register_number="3103",
    cashier_id=guid("cashier/BD-1"),
    cashier_first_name="Kasir",
    cashier_last_name="Contoh Tiga",
    tax_decimals=0,
    rounding_multiple_idr=Decimal(100),
)


def _of(sku: str, quantity: str = "1") -> Part:
    return Part(sku, Decimal(quantity))


def _kind(made: Product, **differs: object) -> Product:
    return msgspec.structs.replace(made, **differs)


_NO_BUYS = (0, 0, 0, 0)
_STOCKED = tuple(
    _kind(each, tax_percentage=RESTAURANT_TAX) if each.sku in _DRINKS else each for each in KOPI_NUSANTARA.products
)
_MORE = (
    _kind(
        made_product("KN-KAOS-M", "Kaos Kopi M", 99_000, (48_250, 48_611, 47_903, 49_100)), kind="variant", variant="M"
    ),
    _kind(
        made_product("KN-KAOS-L", "Kaos Kopi L", 104_000, (49_750, 50_333, 48_877, 51_010)), kind="variant", variant="L"
    ),
    _kind(made_product("KN-BIJI-KG", "Biji Kopi Curah", 185_500, (96_400, 97_333, 95_019, 98_200)), kind="weighed"),
    _kind(made_product("KN-SHOT", "Espresso Shot", 6_000, (1_333, 1_417, 1_290, 1_509)), tax_percentage=RESTAURANT_TAX),
    made_product("KN-SUSU", "Susu UHT 1 L", 19_500, (13_250, 13_611, 12_903, 14_003), taxable=False),
)
SET_MEAL = _kind(
    made_product("KN-PAKET", "Paket Sarapan", 41_000, _NO_BUYS),
    kind="composite",
    parts=(_of("KN-ROTI"), _of("KN-TUBRUK"), _of("KN-GULA", "0.02")),
    tax_percentage=RESTAURANT_TAX,
)
COMBOSET = _kind(made_product("KN-KOMBO", "Kombo Dua Pilihan", 149_999, _NO_BUYS), kind="comboset")
TOP_UP = _kind(
    made_product("KN-SALDO", "Isi Saldo Kartu", 50_000, _NO_BUYS, taxable=False),
    kind="stored_value",
)
MILK_MODIFIER = _kind(
    made_product("KN-MOD-SUSU", "Tambah Susu", 4_500, _NO_BUYS),
    kind="modifier",
    parts=(_of("KN-SUSU", "0.15"),),
    tax_percentage=RESTAURANT_TAX,
)
SUGAR_MODIFIER = _kind(
    made_product("KN-MOD-GULA", "Gula Aren Tambahan", 0, _NO_BUYS), kind="modifier", parts=(_of("KN-GULA", "0.01"),)
)
ICE_MODIFIER = _kind(made_product("KN-MOD-ES", "Sedikit Es", 0, _NO_BUYS), kind="modifier")
UNKNOWN_PRODUCT = _kind(
    made_product("KN-BARU", "Kopi Musiman 250 g", 95_000, (45_500, 45_500, 45_500, 45_500)), kind="unknown_to_jurnal"
)


# Two more people of one name; one of them without an id.
_NAMESAKES = (
    msgspec.structs.replace(
        KOPI_NUSANTARA.customers[0],
        customer_id=guid("customer/7"),
        external_customer_id="KN-0007",
        phone_number="+62-000-555-0007",
        email="pelanggan7@example.com",
    ),
    msgspec.structs.replace(
        KOPI_NUSANTARA.customers[0],
        customer_id=guid("customer/8"),
        external_customer_id=None,
        phone_number="+62-000-555-0008",
        email="pelanggan8@example.com",
    ),
)


def everything(seed: int) -> Scenario:
    """Return the shop; what is a matter of choice follows from the seed."""
    return everything_as(drawn_mode(seed))


def everything_as(mode: Mode) -> Scenario:
    """Return the shop with these choices."""
    return msgspec.structs.replace(
        KOPI_NUSANTARA,
        outlets=(
            msgspec.structs.replace(MAIN_OUTLET, tax_inclusive=mode.main_has_tax),
            msgspec.structs.replace(
                KELAPA_GADING_BRANCH, tax_inclusive=mode.branch_has_tax, payout_account="Bank Mandiri"
            ),
        ),
        later_outlets=(BANDUNG,),
        customers=(*KOPI_NUSANTARA.customers, *_NAMESAKES),
        products=(*_STOCKED, *_MORE),
        menu=(SET_MEAL, COMBOSET, TOP_UP, MILK_MODIFIER, SUGAR_MODIFIER, ICE_MODIFIER, UNKNOWN_PRODUCT),
        channels=(
            Channel(
                channel="web", detail=None, name="Web Shop", outlet_code=MAIN_OUTLET.code, warehouse=MAIN_OUTLET.name
            ),
            TOKOPEDIA,
            GOFOOD,
        ),
        type_accounts={"GoPay": "GoPay Wallet", "ShopeePay": "ShopeePay Wallet"},
        later_types=("ShopeePay",),
        liabilities={
            "points": "Loyalty Points",
            "gift_card": "Gift Cards",
            "store_credit": "Store Credit",
            "account_balance": "Stored Value Cards",
        },
        sales_accounts={
            "KN-CANGKIR": _MERCHANDISE,
            "KN-SARINGAN": _MERCHANDISE,
            TOP_UP.sku: "Stored Value Cards",
        },
        taxes={RESTAURANT_TAX: ("PB1", "PB1 Payable"), UNMAPPED_TAX: ("PPN 12", "VAT Out")},
        later_taxes=(UNMAPPED_TAX,),
        place_accounts=_PLACE_ACCOUNTS if mode.sales_account_conflict == "reclass" else {},
        mode=mode,
    )
