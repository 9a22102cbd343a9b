"""companies/active: the company and its default accounts."""

from ops.sandbox.jurnal.company import COMPANY_ID, Company
from ops.sandbox.jurnal.resource import Json
from ops.sandbox.jurnal.shapes import day

# key of the answer -> account of the chart
DEFAULTS = {
    "default_sale_account": "Service Revenue",
    "sale_discount_account": "Sales Discount",
    "default_sales_return_account": "Sales Return",
    "sale_shipping_account": "Other Income",
    "default_prepayment_account": "Prepaid expenses",
    "default_cost_of_good_sold": "Cost of Sales",
    "purchase_shipping_account": "Shipping/Freight & Delivery",
    "default_unearned_revenue_account": "Unearned Revenue",
    "default_account_receiveable": "Accounts Receivable",
    "default_account_payable": "Accounts Payable",
    "default_inventory_account": "Inventory",
    "default_stock_adj_account_general": "Inventory Adjustments",
    "default_stock_adj_account_waste": "Waste Goods Expense",
    "default_stock_adj_account_production": "Cost of Production",
    "default_opening_balance_equity": "Opening Balance Equity",
    "default_sale_tax_account": "VAT Out",
    "default_purchase_tax_account": "VAT In",
    "default_fixed_asset_account": "Fixed Assets - Office Equipment",
}
UNSET = ("default_unbilled_sales_account", "default_unbilled_ar_account", "default_unbilled_ap_account")


def active_company(company: Company) -> Json:
    """Return the active company."""
    settings = company.settings
    term = next(iter(company.terms))
    shown_term = {"id": term.id, "name": term.name, "longetivity": term.days}
    defaults: Json = {key: _default(company, name) for key, name in DEFAULTS.items()}
    return {
        "company": {
            "id": COMPANY_ID,
            "name": settings.company_name,
            "logo": "",
            "company_tax_number": "",
            "address": "",
            "shipping_address": "",
            "phone": "",
            "fax": "",
            "language": {"id": 1, "name": "English"},
            "company_email": "",
            "last_closing_the_book_date": day(settings.last_closing_date) or "",
            "company_billing_details": {
                "id": COMPANY_ID,
                "name": settings.company_name,
                "expired_day": 365,
                "billing_package": "Sandbox",
                "jurnal_touch_devices": 1,
            },
            "disable_sell_on_no_product": not settings.allow_negative_stock,
        },
        "feature": {
            "use_po": True,
            "warehouse": settings.plan_with_inventory,
            "quote": True,
            "print_receipt": False,
            "draft_cash_transaction": False,
            "enable_overpayment": settings.overpayment_allowed,
            "use_screen_sharing": False,
            "use_new_bank_recon": True,
            "additional_settings": [],
        },
        "company_package": "Sandbox",
        "draft_cash_transaction_feature": False,
        "current_user": {"full_name": "Sandbox", "email": "", "roles": ["ultimate"]},
        "preferred_invoice_term": shown_term,
        "preferred_purchase_term": shown_term,
        "sale_shipping_account": _short(company, "Other Income"),
        "purchase_shipping_account": _short(company, "Shipping/Freight & Delivery"),
        "default_accounts": defaults | dict.fromkeys(UNSET),
    }


def _short(company: Company, name: str) -> Json:
    account = company.chart[name]
    return {"id": account.id, "name": account.name, "number": account.number}


def _default(company: Company, name: str) -> Json:
    account = company.chart[name]
    return _short(company, name) | {"category_id": account.category_id, "custom_id": account.custom_id}
