"""A set-up file with its secrets, as an operator writes it."""

from pathlib import Path

API_KEY, ISELLER_SECRET, JURNAL_SECRET = "made-up-api-key", "made-up-iseller-secret", "rahasia"
TEXT = """
store = "kopi-nusantara"
company = "kopi-company"
time_zone = "Asia/Jakarta"
transit_warehouse = "iSeller in Transit"
walk_in_contact = "Walk-in"
clearing_account = "iSeller Pay Clearing"
payout_account = "Bank BCA"
mdr_account = "iSeller Pay MDR"
rounding_product = "ISELLER-ROUNDING"
loss_account = "Waste Goods Expense"
goods_received_account = "Goods Received"
stock_adjustment_account = "Inventory Adjustments"

[iseller]
url = "http://127.0.0.1:9"
api_key_file = "secrets/api-key"
client_id = "kopi"
client_secret_file = "secrets/iseller"

[jurnal]
client_id = "toko"
client_secret_file = "secrets/jurnal"

[taxes]
"11" = "PPN"

[[payments]]
gateway = "cash"
account = "Cash"

[[outlets]]
id = "main"
name = "Main Outlet"
warehouse = "Main Warehouse"

[[outlets]]
id = "branch"
name = "Branch"
warehouse = "Branch Warehouse"
"""


def write_store_file(folder: Path, text: str = TEXT) -> Path:
    """Write the file and its secrets; return the file."""
    (folder / "secrets").mkdir(exist_ok=True)
    for name, secret in (("api-key", API_KEY), ("iseller", ISELLER_SECRET), ("jurnal", JURNAL_SECRET)):
        (folder / "secrets" / name).write_text(secret + "\n")
    path = folder / "store.toml"
    path.write_text(text)
    return path
