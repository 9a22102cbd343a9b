"""The general ledger: balanced entries of exact fractions, summed per account and date."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from ops.sandbox.jurnal.records import ZERO, Account

RECEIVABLE, CASH, INVENTORY, PAYABLE = 1, 3, 4, 8
EQUITY, INCOME, OTHER_INCOME, COST_OF_SALES, EXPENSE, OTHER_EXPENSE = 12, 13, 14, 15, 16, 17
CATEGORIES = {
    1: "Accounts Receivable (A/R)",
    2: "Other Current Assets",
    3: "Cash & Bank",
    4: "Inventory",
    5: "Fixed Assets",
    6: "Other Assets",
    7: "Depreciation & Amortization",
    8: "Accounts Payable (A/P)",
    9: "Credit Card",
    10: "Other Current Liabilities",
    11: "Long Term Liabilities",
    12: "Equity",
    13: "Income",
    14: "Other Income",
    15: "Cost of Sales",
    16: "Expenses",
    17: "Other Expense",
}
DEBIT_CATEGORIES = frozenset({1, 2, 3, 4, 5, 6, 7, 15, 16, 17})


@dataclass(frozen=True, slots=True)
class Source:
    """The document an entry comes from, as the general ledger names it."""

    transaction_type: str
    number: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry; `change` is positive for a debit and negative for a credit."""

    day: date
    account: Account
    change: Fraction
    source: Source

    @property
    def debit(self) -> Fraction:
        """Return the debit side."""
        return max(self.change, ZERO)

    @property
    def credit(self) -> Fraction:
        """Return the credit side."""
        return max(-self.change, ZERO)


@dataclass(slots=True)
class Sides:
    """Sums of debits and of credits."""

    debit: Fraction = ZERO
    credit: Fraction = ZERO

    @property
    def balance(self) -> Fraction:
        """Return debits less credits."""
        return self.debit - self.credit


def entry(day: date, source: Source, changes: Iterable[tuple[Account, Fraction]]) -> tuple[Posting, ...]:
    """Make the postings of one entry; a zero change posts nothing."""
    return tuple(Posting(day, account, change, source) for account, change in changes if change)


class Journal:
    """All entries by the key of what made them; replacing or removing one keeps the sums right."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[Posting, ...]] = {}
        self._sides: dict[int, dict[date, Sides]] = {}

    def post(self, key: Hashable, postings: Sequence[Posting]) -> None:
        """Put the entry of `key`, replacing an earlier one. Raises AssertionError when it does not balance."""
        difference = sum((posting.change for posting in postings), ZERO)
        assert difference == 0, f"entry {key} is off by {difference}"
        self.remove(key)
        self._entries[key] = tuple(postings)
        self._count(postings, 1)

    def remove(self, key: Hashable) -> None:
        """Take an entry out again, if there is one."""
        self._count(self._entries.pop(key, ()), -1)

    def _count(self, postings: Sequence[Posting], sign: int) -> None:
        for posting in postings:
            sides = self._sides.setdefault(posting.account.id, {}).setdefault(posting.day, Sides())
            sides.debit += sign * posting.debit
            sides.credit += sign * posting.credit

    def sides(self, account: Account, first: date | None, last: date) -> Sides:
        """Sum an account's debits and credits from first (None: the beginning) to last."""
        total = Sides()
        for day, sides in self._sides.get(account.id, {}).items():
            if day <= last and (first is None or day >= first):
                total.debit += sides.debit
                total.credit += sides.credit
        return total

    def balance(self, account: Account, last: date = date.max) -> Fraction:
        """Return an account's debits less credits up to a date."""
        return self.sides(account, None, last).balance

    def postings(self, last: date) -> dict[int, list[Posting]]:
        """Return the postings up to a date per account id, in order of date."""
        found: dict[int, list[Posting]] = {}
        for lines in self._entries.values():
            for posting in lines:
                if posting.day <= last:
                    found.setdefault(posting.account.id, []).append(posting)
        for of_account in found.values():
            of_account.sort(key=lambda posting: posting.day)
        return found

    def used(self, account: Account) -> bool:
        """Tell whether any entry names the account."""
        return any(sides.debit or sides.credit for sides in self._sides.get(account.id, {}).values())

    def difference(self) -> Fraction:
        """Return all debits less all credits: zero, always."""
        return sum((sides.balance for days in self._sides.values() for sides in days.values()), ZERO)
