"""Looks for everything that would fail once Live Mode is on, and says what to do about it."""

from collections.abc import Mapping

import msgspec

from eventstore.connection import Pool
from eventstore.facts.settings import OutletMapped, StoreConnected
from projections.store_settings.queries import CurrentSettings, read_settings
from service.jurnal.needs import Need
from service.jurnal_calls import Company, CredentialMissing
from service.master_data import LookupFailed, MasterDataDirectory, Missing

_CASH_AND_BANK = "Cash & Bank"
# Jurnal posts these itself; a stock adjustment across from one of them would make its own books wrong.
_NOT_ACROSS_FROM_STOCK = (_CASH_AND_BANK, "Accounts Receivable (A/R)", "Inventory")
_STOCK_ACCOUNTS: Mapping[str, str] = {
    "loss_account": "takes goods that were rejected",
    "goods_received_account": "stands across from goods of suppliers",
    "stock_adjustment_account": "takes counts and adjustments of stock",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would fail: which check, about what, and what to do."""

    check: str
    subject: str
    problem: str
    what_to_do: str


class Preflight:
    """Checks a store's set-up against its Jurnal company."""

    def __init__(self, pool: Pool, directory: MasterDataDirectory) -> None:
        self._pool = pool
        self._directory = directory

    async def check(self, store_id: str) -> list[Problem]:
        """Return what stands in the way of Live Mode; empty means clean."""
        settings = await read_settings(self._pool, store_id)
        if settings.connection is None:
            return [
                Problem(
                    check="connection",
                    subject=store_id,
                    problem="The store is not connected to a Jurnal company",
                    what_to_do="Apply a set-up file: jurnalsync setup apply store.toml",
                )
            ]
        problems = [*_outlet_problems(settings), *_account_problems(settings.connection)]
        company = Company(settings.connection.company_id, store_id)
        for need, why in _needs(settings.connection, tuple(settings.outlets.values())):
            problem = await self._look_for(store_id, company, need, why)
            if problem is not None:
                problems.append(problem)
            if problem is not None and problem.check == "jurnal":
                break  # Jurnal itself does not answer: each further look-up would only say so again
        return problems

    async def _look_for(self, store_id: str, company: Company, need: Need, why: str) -> Problem | None:
        try:
            found = await self._directory.resolve(store_id, company, (need,))
        except CredentialMissing as error:
            return Problem(
                check="jurnal", subject="credential", problem=str(error), what_to_do="Apply the set-up file again"
            )
        if isinstance(found, LookupFailed):
            return Problem(
                check="jurnal",
                subject="Jurnal",
                problem=found.reason,
                what_to_do="Check Jurnal's address, the credential and this machine's clock, then try again",
            )
        if isinstance(found, Missing):
            return Problem(
                check=need.kind,
                subject=need.key,
                problem=f"Jurnal has no {need.kind.replace('_', ' ')} {need.key!r}, which {why}",
                what_to_do=f"Make it in Jurnal, or name another {need.kind.replace('_', ' ')} in the set-up",
            )
        if why.endswith("money in") and (category := self._directory.category(store_id, need)) != _CASH_AND_BANK:
            return Problem(
                check="account_category",
                subject=need.key,
                problem=f"Account {need.key!r} is {category or 'of no known category'}, not {_CASH_AND_BANK}",
                what_to_do="Name an account of the category Cash & Bank: Jurnal takes money into no other",
            )
        if why in _STOCK_ACCOUNTS.values():
            return self._stock_account_problem(store_id, need, why)
        return None

    def _stock_account_problem(self, store_id: str, need: Need, why: str) -> Problem | None:
        category = self._directory.category(store_id, need)
        if category not in _NOT_ACROSS_FROM_STOCK:
            return None
        return Problem(
            check="account_category",
            subject=need.key,
            problem=f"Account {need.key!r}, which {why}, is {category}",
            what_to_do="Name an expense, equity, liability or cost account: stock cannot stand across from this one",
        )


def _outlet_problems(settings: CurrentSettings) -> list[Problem]:
    if settings.outlets:
        return []
    return [
        Problem(
            check="outlets",
            subject="outlets",
            problem="No outlet is mapped, so nothing would be booked",
            what_to_do="Map the outlets to Jurnal warehouses in the set-up",
        )
    ]


def _account_problems(connection: StoreConnected) -> list[Problem]:
    """Name the accounts that are not mapped: records that need one would wait as Failed."""
    return [
        Problem(
            check="account",
            subject=setting,
            problem=f"No account is mapped that {why}",
            what_to_do=f"Name it as {setting} in the set-up file and apply the file",
        )
        for setting, why in _STOCK_ACCOUNTS.items()
        if getattr(connection, setting) is None
    ]


def _needs(connection: StoreConnected, outlets: tuple[OutletMapped, ...]) -> list[tuple[Need, str]]:
    payments = [*connection.payments, *(payment for outlet in outlets for payment in outlet.payments)]
    stock_accounts = [(getattr(connection, setting), why) for setting, why in _STOCK_ACCOUNTS.items()]
    needs = [
        *((Need("account", account), why) for account, why in stock_accounts if account is not None),
        (Need("contact", connection.walk_in_contact), "stands for customers without a name"),
        (Need("product", connection.rounding_product_code), "takes rounding differences"),
        (Need("warehouse", connection.transit_warehouse), "holds goods on their way"),
        *((Need("warehouse", outlet.warehouse), f"outlet {outlet.outlet_name} is mapped to") for outlet in outlets),
        *((Need("tax", tax.tax_name), f"{tax.percentage} % is mapped to") for tax in connection.taxes),
        (Need("account", connection.mdr_account), "takes payout fees"),
        (Need("account", connection.clearing_account), "takes iSeller Pay money in"),
        (Need("account", connection.payout_account), "takes payout money in"),
        *((Need("account", payment.account), f"takes {payment.gateway} money in") for payment in payments),
        *(
            (Need("account", outlet.payout_account), f"takes the payouts of {outlet.outlet_name} as money in")
            for outlet in outlets
            if outlet.payout_account is not None
        ),
    ]
    return list(dict(reversed(needs)).items())[::-1]
