"""Reports from the journal and the stock.

Every account is rounded half up to a whole rupiah and totals are sums of rounded figures.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from fractions import Fraction

from ops.sandbox.jurnal.books import (
    CATEGORIES,
    COST_OF_SALES,
    DEBIT_CATEGORIES,
    EQUITY,
    EXPENSE,
    INCOME,
    OTHER_EXPENSE,
    OTHER_INCOME,
    Posting,
    Sides,
)
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.periods import Period, read_period
from ops.sandbox.jurnal.records import ZERO, Account
from ops.sandbox.jurnal.resource import Json
from ops.sandbox.jurnal.shapes import day, half_up, number, with_minus, with_parentheses

RESULT_CATEGORIES = (INCOME, OTHER_INCOME, COST_OF_SALES, EXPENSE, OTHER_EXPENSE)
SHEET_SECTIONS = {
    "current_assets": (1, 2, 3, 4),
    "fixed_assets": (5,),
    "other_assets": (6,),
    "depreciations": (7,),
    "current_liabilities": (8, 9, 10),
    "long_liabilities": (11,),
    "equity": (EQUITY,),
}
TRIAL_SECTIONS = {
    "asset_accounts": (1, 2, 3, 4, 5, 6, 7),
    "liability_accounts": (8, 9, 10, 11),
    "equity_accounts": (EQUITY,),
    "income_accounts": (INCOME, OTHER_INCOME),
    "expense_accounts": (COST_OF_SALES, EXPENSE, OTHER_EXPENSE),
}


class Reports:
    """All reports. The stock is valued before the journal is read."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def accounts(self, categories: Iterable[int]) -> list[Account]:
        """Return the accounts of some categories by number."""
        wanted = frozenset(categories)
        found = (account for account in self._company.accounts if account.category_id in wanted)
        return sorted(found, key=lambda account: (account.number, account.id))

    def balance(self, account: Account, first: date | None, last: date) -> Fraction:
        """Return an account's balance on its normal side, rounded."""
        balance = self._company.journal.sides(account, first, last).balance
        return half_up(balance if account.category_id in DEBIT_CATEGORIES else -balance)

    def _section(self, categories: Iterable[int], period: Period, *, whole_past: bool) -> tuple[Json, Fraction]:
        """Return accounts with a balance, and their total."""
        label = _label(period, whole_past=whole_past)
        total, rows = ZERO, []
        for account in self.accounts(categories):
            balance = self.balance(account, None if whole_past else period.first, period.last)
            if balance:
                total += balance
                rows.append(_row(account, label, balance))
        return {"accounts": {"array": rows}, "total": [_figure(label, "total", total)]}, total

    def profit_and_loss(self, query: Mapping[str, str]) -> Json:
        """Return the profit and loss of a period."""
        self._company.stock.settle()
        period = read_period(query, self._company.today())
        label = period.label
        sums: dict[int, Fraction] = {}
        sections: dict[int, Json] = {}
        for category in RESULT_CATEGORIES:
            sections[category], sums[category] = self._section((category,), period, whole_past=False)
        gross = sums[INCOME] - sums[COST_OF_SALES]
        operating = gross - sums[EXPENSE]
        net = operating + sums[OTHER_INCOME] - sums[OTHER_EXPENSE]
        nothing, _ = self._section((), period, whole_past=False)
        report = {
            "header": {
                "report_date": label,
                "currency_format": "(in IDR)",
                "net_operating_income": [_figure(label, "income", operating)],
                "net_income": [_figure(label, "income", net)],
                "total_comprehensive_income": [_figure(label, "income", net)],
            },
            "primary_income": sections[INCOME],
            "cost_of_good_sold": sections[COST_OF_SALES] | {"gross_profit": [_figure(label, "total", gross)]},
            "expense": sections[EXPENSE],
            "other_income": sections[OTHER_INCOME],
            "other_expense": sections[OTHER_EXPENSE],
            "other_comprehensive_income_loss": nothing,
        }
        return {"profit_and_loss": report}

    def balance_sheet(self, query: Mapping[str, str]) -> Json:
        """Return the balance sheet at end_date; the result so far stands as one row of equity."""
        self._company.stock.settle()
        period = read_period(query, self._company.today())
        label = _label(period, whole_past=True)
        sections, sums = {}, {}
        for name, categories in SHEET_SECTIONS.items():
            sections[name], sums[name] = self._section(categories, period, whole_past=True)
        result = half_up(-sum((self._result(account, period) for account in self.accounts(RESULT_CATEGORIES)), ZERO))
        earnings = _figure(label, "balance", result) | {"balance_raw": number(result)}
        category = {"id": EQUITY, "name": CATEGORIES[EQUITY]}
        sections["equity"]["accounts"]["array"].append(
            {
                "id": None,
                "name": "Current Period Earnings",
                "number": "",
                "indent": 0,
                "category": category,
                "data": [earnings],
            }
        )
        sums["equity"] += result
        sections["equity"]["total"] = [_figure(label, "total", sums["equity"])]
        assets = sum((sums[name] for name in ("current_assets", "fixed_assets", "other_assets", "depreciations")), ZERO)
        claims = sum((sums[name] for name in ("current_liabilities", "long_liabilities", "equity")), ZERO)
        header = {
            "report_date": label,
            "currency_format": "(in IDR)",
            "total_assets": [_figure(label, "income", assets)],
            "total_liability_and_equity": [_figure(label, "income", claims)],
        }
        return {"balance_sheet": {"header": header, **sections}}

    def _result(self, account: Account, period: Period) -> Fraction:
        return self._company.journal.balance(account, period.last)

    def trial_balance(self, query: Mapping[str, str]) -> Json:
        """Return opening balance, movement and end balance of every used account."""
        self._company.stock.settle()
        period = read_period(query, self._company.today())
        totals = {"opening_balance": Sides(), "movement": Sides(), "end_balance": Sides()}
        sections: dict[str, list[Json]] = {}
        for name, categories in TRIAL_SECTIONS.items():
            sections[name] = []
            for account in self.accounts(categories):
                columns = self._columns(account, period)
                if not any(sides.debit or sides.credit for sides in columns.values()):
                    continue
                for key, sides in columns.items():
                    totals[key].debit += sides.debit
                    totals[key].credit += sides.credit
                shown = {key: _sides(sides) for key, sides in columns.items()}
                sections[name].append(
                    {"account": {"id": account.id, "name": account.name, "number": account.number, **shown}}
                )
        total = {
            "total_opening_balance": _sides(totals["opening_balance"]),
            "total_movement": _sides(totals["movement"]),
            "total_ending_balance": _sides(totals["end_balance"]),
        }
        header = {"report_date": period.label, "currency": "(in IDR)"}
        return {"trial_balance": {"header": header, **sections, "total": total}}

    def _columns(self, account: Account, period: Period) -> dict[str, Sides]:
        journal = self._company.journal
        opening = journal.balance(account, period.first - timedelta(days=1))
        movement = journal.sides(account, period.first, period.last)
        return {
            "opening_balance": _on_side(opening),
            "movement": Sides(half_up(movement.debit), half_up(movement.credit)),
            "end_balance": _on_side(opening + movement.balance),
        }

    def general_ledger(self, query: Mapping[str, str]) -> Json:
        """Return the postings of the accounts in account_id (all used ones without it)."""
        self._company.stock.settle()
        period = read_period(query, self._company.today())
        wanted = {key for key in query.get("account_id", "").split(",") if key}
        accounts = [
            account
            for account in self.accounts(CATEGORIES)
            if (str(account.id) in wanted if wanted else self._company.journal.used(account))
        ]
        total = Sides()
        postings = self._company.journal.postings(period.last)
        rows = [self._ledger(account, period, postings.get(account.id, []), total) for account in accounts]
        grand = _sides(total) | {"debit_raw": number(total.debit), "credit_raw": number(total.credit)}
        header = {"period": period.label, "currency": "(in IDR)"}
        return {"general_ledger": {"header": header, "report": {"accounts": rows, "grand_total": grand}}}

    def _ledger(self, account: Account, period: Period, postings: Iterable[Posting], total: Sides) -> Json:
        sign = 1 if account.category_id in DEBIT_CATEGORIES else -1
        before = period.first - timedelta(days=1)
        balance = opening = sign * self._company.journal.balance(account, before)
        sums, content = Sides(), []
        for posting in postings:
            if posting.day >= period.first:
                sums.debit += posting.debit
                sums.credit += posting.credit
                balance += sign * posting.change
                content.append({"transaction": _posting(posting, balance)})
        total.debit += sums.debit
        total.credit += sums.credit
        return {
            "subheader": f"({account.number}) {account.name}",
            "beginning_balance": {
                "date": day(before),
                "balance": with_parentheses(opening) if opening else "0",
                "balance_raw": number(opening),
            },
            "content": content,
            "ending_balance": _ledger_figures(sums.debit, sums.credit, balance),
        }


def _label(period: Period, *, whole_past: bool) -> str:
    return (day(period.last) or "") if whole_past else period.label


def _figure(label: str, key: str, value: Fraction) -> Json:
    return {"period": label, key: with_minus(value), "percentage": 0, "show_percentage_in_period": False}


def _row(account: Account, label: str, balance: Fraction) -> Json:
    return {
        "id": account.id,
        "name": account.name,
        "number": account.number,
        "indent": 0,
        "category": {"id": account.category_id, "name": CATEGORIES[account.category_id]},
        "data": [_figure(label, "balance", balance) | {"balance_raw": number(balance)}],
    }


def _on_side(balance: Fraction) -> Sides:
    """Put a rounded balance on the side it falls on."""
    rounded = half_up(balance)
    return Sides(max(rounded, ZERO), max(-rounded, ZERO))


def _sides(sides: Sides) -> Json:
    return {"debit": with_parentheses(sides.debit), "credit": with_parentheses(sides.credit)}


def _side_raw(value: Fraction) -> object:
    """Return a side of the general ledger as a number; zero is the text "0" there."""
    return number(value) if value else "0"


def _ledger_figures(debit: Fraction, credit: Fraction, balance: Fraction) -> Json:
    sums = {"debit": debit, "credit": credit, "balance": balance}
    raw = {"debit_raw": _side_raw(debit), "credit_raw": _side_raw(credit), "balance_raw": number(balance)}
    return {key: with_parentheses(value) for key, value in sums.items()} | raw


def _posting(posting: Posting, balance: Fraction) -> Json:
    return {
        "date": day(posting.day),
        "transaction_type": posting.source.transaction_type,
        "number": posting.source.number,
        "description": posting.source.description,
        **_ledger_figures(posting.debit, posting.credit, balance),
    }
