"""A set-up file that says everything a store's settings can hold."""

from tests.integration.store_file import TEXT

SALES = """
[sales]
charge_product = "ISELLER-CHARGE"
shipping_product = "ISELLER-SHIPPING"
charges_taxed = true
discount_account = "Sales Discount"
cost_account = "Cost of Sales"
waste_account = "Waste Goods Expense"
sales_return_account = "Sales Return"
stored_value_clearing = "iSeller Stored Value Clearing"
zero_prices = "adjust_stock"
sales_account_conflict = "reclass"
payment_method_kept = true
same_day_void = "delete"
void_restocks = false
taken_back_unsent = "send_nothing"
closed_period = "fail"
customer_ids = false
settlement_days = 3
opening_account = "Opening Balance Equity"

[sales.sync]
mode = "shift_closing"
times = ["23:30", "12:00"]

[[sales.stored_value]]
gateway = "Points"
liability_account = "Customer Points"

[[sales.stored_value]]
gateway = "custom"
payment_type_name = "Voucher"
liability_account = "Gift Cards"

[sales.stored_value_products]
"TOPUP-50" = "Stored Value"

[sales_accounts]
account = "Service Revenue"
products = { MOCHA = "Coffee Sales" }

[[outlets]]
id = "kiosk"
name = "Kiosk"
warehouse = "Kiosk Warehouse"
payout_account = "Bank Kiosk"
mdr_account = "Kiosk Fees"
time_zone = "Asia/Makassar"
sales_accounts = { account = "Kiosk Sales" }

[[outlets.payments]]
gateway = "external_debit"
payment_type_name = "EDC BCA"
payment_method = "EDC"
account = "Bank Kiosk"

[[channels]]
channel = "web"
name = "Web shop"
warehouse = "Main Warehouse"

[[channels]]
channel = "Marketplace"
channel_detail = "Tokopedia"
name = "Tokopedia"
warehouse = "Main Warehouse"
payout_account = "Bank BCA"
sales_accounts = { account = "Marketplace Sales", products = { LATTE = "Tokopedia Coffee" } }

[[channels.payments]]
gateway = "custom"
account = "Tokopedia Balance"
"""
WHOLE = TEXT.replace("[iseller]", '[transfer_sync]\nmode = "scheduled"\ntimes = ["21:30"]\n\n[iseller]') + SALES
