"""Commands of a made-up shop, with what a look-up would have found for them."""

from datetime import date
from decimal import Decimal

from projections.jurnal_commands.commands import (
    AdjustStock,
    BookInvoice,
    CreateCustomer,
    DepositPayout,
    InvoiceLine,
    ReceivePayment,
    StockChange,
    StockLine,
    TransferStock,
    WithdrawPayoutFee,
)
from projections.jurnal_commands.identity import command_id, transaction_no
from service.jurnal.needs import Known, Need

STORE = "toko"
DAY = date(2026, 3, 2)

CUSTOMER = CreateCustomer(customer_id="9c1f00aa-77", code="C-0042", position=17)
INVOICE = BookInvoice(
    order_id="0f3c8d52-11",
    order_reference="SO-1001",
    transaction_date=DAY,
    due_date=date(2026, 4, 1),
    warehouse="Main Outlet",
    walk_in_contact="Walk-in",
    customer_id=None,
    lines=(
        InvoiceLine(product_code="KOPI-250", quantity=Decimal(2), rate=Decimal(45_001), tax_name="PPN"),
        InvoiceLine(product_code="TEH-100", quantity=Decimal("1.5"), rate=Decimal(20_000), description="Teh melati"),
    ),
    header_discount=Decimal("0.22"),
    total=Decimal(129_902),
    deposit=Decimal(100_000),
    deposit_account="Bank BCA",
)
INVOICE_ID = command_id(STORE, INVOICE)
INVOICE_NO = transaction_no(INVOICE_ID, INVOICE.order_reference)
PAYMENT = ReceivePayment(
    order_id=INVOICE.order_id,
    order_reference=INVOICE.order_reference,
    transaction_id="771",
    transaction_date=date(2026, 3, 5),
    invoice_no=INVOICE_NO,
    amount=Decimal("29902.00"),
    account="Cash",
    payment_method="Cash",
)
TRANSFER = TransferStock(
    transfer_id="55",
    transfer_number="TR/0007",
    adjustment_id="9001",
    transaction_date=DAY,
    from_warehouse="Main Outlet",
    to_warehouse="iSeller in Transit",
    lines=(StockLine("KOPI-250", Decimal(5)), StockLine("TEH-100", Decimal("2.5"))),
)
ADJUSTMENT = AdjustStock(
    transfer_id="56",
    transfer_number="TI/0003",
    adjustment_id="9002",
    transaction_date=DAY,
    warehouse="Main Outlet",
    account="Goods Received",
    lines=(StockChange("KOPI-250", Decimal(4), Decimal("41250.50")), StockChange("TEH-100", Decimal("-0.5"))),
)
PAYOUT = DepositPayout(
    reference_id="PO-77",
    transaction_date=DAY,
    account="Bank BCA",
    clearing_account="iSeller Pay Clearing",
    contact="iSeller Pay",
    amount=Decimal(987_654),
)
FEE = WithdrawPayoutFee(
    reference_id="PO-77",
    transaction_date=DAY,
    clearing_account="iSeller Pay Clearing",
    fee_account="iSeller Pay MDR",
    contact="iSeller Pay",
    amount=Decimal("6913.58"),
)
COMMANDS = (CUSTOMER, INVOICE, PAYMENT, TRANSFER, ADJUSTMENT, PAYOUT, FEE)

IDS = {
    Need("account", "Bank BCA"): Known(301, "Bank BCA"),
    Need("account", "Goods Received"): Known(305, "Goods Received"),
    Need("account", "Cash"): Known(302, "Cash"),
    Need("account", "iSeller Pay Clearing"): Known(303, "iSeller Pay Clearing"),
    Need("account", "iSeller Pay MDR"): Known(304, "iSeller Pay MDR"),
    Need("contact", "Walk-in"): Known(401, "Walk-in"),
    Need("contact", "iSeller Pay"): Known(402, "iSeller Pay"),
    Need("payment_method", "Cash"): Known(501, "Cash"),
    Need("product", "KOPI-250"): Known(601, "Kopi 250 g"),
    Need("product", "TEH-100"): Known(602, "Teh 100 g"),
    Need("tax", "PPN"): Known(701, "PPN"),
    Need("warehouse", "Main Outlet"): Known(801, "Main Outlet"),
    Need("warehouse", "iSeller in Transit"): Known(802, "iSeller in Transit"),
}
