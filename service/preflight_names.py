"""Whether Jurnal has every account, tax, warehouse and contact that the settings name, of a category that works."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from projections.changes.settings import Place, StoreSettings
from service.jurnal.needs import Need
from service.jurnal_calls import Company
from service.master_data import LookupFailed, MasterDataDirectory, Missing
from service.preflight_finding import Finding, problem
from service.preflight_settings import STOCK_ACCOUNTS

_CASH_AND_BANK = "Cash & Bank"
_LIABILITIES = ("Other Current Liabilities", "Long Term Liabilities")
# Jurnal posts these itself; a stock adjustment across from one of them would make its own books wrong.
_NOT_ACROSS_FROM_STOCK = (_CASH_AND_BANK, "Accounts Receivable (A/R)", "Inventory")
Use = Literal["money", "stock", "liability", "any"]
_RULE_ACCOUNTS: tuple[tuple[str, str, Use], ...] = (
    ("stored_value_clearing", "payments out of stored value go through", "money"),
    ("cost_account", "takes the cost of parts", "stock"),
    ("waste_account", "takes goods thrown away", "stock"),
    ("opening_account", "stands across from opening stock", "stock"),
    ("discount_account", "takes discounts", "any"),
    ("sales_return_account", "takes money given back without goods", "any"),
)


class Named(msgspec.Struct, frozen=True):
    """A thing that the settings name: `why` in the words of a person, `use` for what an account may be."""

    need: Need
    why: str
    use: Use = "any"


async def name_findings(
    directory: MasterDataDirectory, store_id: str, company: Company, settings: StoreSettings
) -> list[Finding]:
    """Look up everything that the settings name; where Jurnal itself does not answer, say so once.

    Raises `CredentialMissing`.
    """
    found: list[Finding] = []
    for named in names_of(settings):
        finding = await _look_for(directory, store_id, company, named)
        if finding is not None:
            found.append(finding)
        if finding is not None and finding.check == "jurnal":
            break
    return found


def names_of(settings: StoreSettings) -> list[Named]:
    """Return every name of Jurnal's that the settings hold, but products, each once a use."""
    connection = settings.connection
    assert connection is not None
    places: list[tuple[str, Place]] = [
        *((f"outlet {outlet.outlet_name}", outlet) for outlet in settings.outlets.values()),
        *((f"channel {channel.channel_name}", channel) for channel in settings.channels.values()),
    ]
    payments = [*connection.payments, *(payment for _, place in places for payment in place.payments)]
    named = [
        *(
            Named(Need("account", account), why, "stock")
            for setting, why in STOCK_ACCOUNTS.items()
            if (account := getattr(connection, setting)) is not None
        ),
        Named(Need("contact", connection.walk_in_contact), "stands for customers without a name"),
        Named(Need("warehouse", connection.transit_warehouse), "holds goods on their way"),
        *(Named(Need("warehouse", place.warehouse), f"{who} is mapped to") for who, place in places),
        *(Named(Need("tax", tax.tax_name), f"{tax.percentage} % is mapped to") for tax in connection.taxes),
        Named(Need("account", connection.mdr_account), "takes payout fees"),
        Named(Need("account", connection.clearing_account), "takes iSeller Pay money in", "money"),
        Named(Need("account", connection.payout_account), "takes payout money in", "money"),
        *(Named(Need("account", each.account), f"takes {each.gateway} money in", "money") for each in payments),
        *(
            Named(Need("account", place.payout_account), f"takes the payouts of {who}", "money")
            for who, place in places
            if place.payout_account is not None
        ),
        *(
            Named(Need("account", place.mdr_account), f"takes the payout fees of {who}")
            for who, place in places
            if place.mdr_account is not None
        ),
        *_rule_names(settings),
    ]
    return list(dict.fromkeys(named))


def _rule_names(settings: StoreSettings) -> Iterator[Named]:
    rules = settings.rules
    for setting, why, use in _RULE_ACCOUNTS:
        if (account := getattr(rules, setting)) is not None:
            yield Named(Need("account", account), why, use)
    for stored in rules.stored_value:
        yield Named(
            Need("account", stored.liability_account), f"holds what is paid out of {stored.gateway}", "liability"
        )
    for sku, liability in rules.stored_value_products.items():
        yield Named(Need("account", liability), f"holds what {sku} was sold for", "liability")
    for scope, mapped in settings.sales_accounts.items():
        where = scope or "the store"
        if mapped.account is not None:
            yield Named(Need("account", mapped.account), f"takes the sales of {where}")
        for account in dict.fromkeys(mapped.products.values()):
            yield Named(Need("account", account), f"takes sales of products of {where}")


async def _look_for(directory: MasterDataDirectory, store_id: str, company: Company, named: Named) -> Finding | None:
    need = named.need
    kind = need.kind.replace("_", " ")
    found = await directory.resolve(store_id, company, (need,))
    if isinstance(found, LookupFailed):
        return look_up_failed(found)
    if isinstance(found, Missing):
        return problem(
            need.kind,
            need.key,
            f"Jurnal has no {kind} {need.key!r}, which {named.why}",
            f"Make it in Jurnal, or name another {kind} in the set-up",
        )
    return _category_finding(named, directory.category(store_id, need)) if need.kind == "account" else None


def look_up_failed(failed: LookupFailed) -> Finding:
    """Tell that Jurnal could not be asked."""
    if failed.wait is not None:
        return problem(
            "jurnal",
            "quota",
            "The quota for calls to Jurnal is spent; what was looked up is remembered",
            "Check again in a minute: it goes on where it stopped",
        )
    return problem(
        "jurnal",
        "Jurnal",
        failed.reason,
        "Check Jurnal's address, the credential and this machine's clock, then try again",
    )


def _category_finding(named: Named, category: str | None) -> Finding | None:
    account, is_ = named.need.key, category or "of no known category"
    if named.use == "money" and category != _CASH_AND_BANK:
        return problem(
            "account_category",
            account,
            f"Account {account!r}, which {named.why}, is {is_}, not {_CASH_AND_BANK}",
            "Name an account of the category Cash & Bank: Jurnal takes money into and out of no other",
        )
    if named.use == "stock" and category in _NOT_ACROSS_FROM_STOCK:
        return problem(
            "account_category",
            account,
            f"Account {account!r}, which {named.why}, is {category}",
            "Name an expense, equity, liability or cost account: stock cannot stand across from this one",
        )
    if named.use == "liability" and category not in _LIABILITIES:
        return problem(
            "account_category",
            account,
            f"Account {account!r}, which {named.why}, is {is_}, not a liability",
            "Name an account of the category Other Current Liabilities: it is what the shop owes its customers",
        )
    return None
