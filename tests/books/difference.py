"""What a merchant's books say otherwise than another account of the same days, in lines for a person."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from ops.sandbox.expected import ExpectedBooks
from projections.in_transit_stock.queries import read_in_transit
from projections.sync_status.queries import count_records
from tests.books.stand import Merchant

Amounts = Mapping[str, Fraction] | Mapping[str, Decimal] | Mapping[str, int]
_SETTLED = "Success"
_BEFORE = "%Live Mode%"
_RECORDS = """
    SELECT kind, reference, amount, status, reason FROM sync_list
    WHERE store_id = $1 AND status <> $2 AND coalesce(reason, '') NOT LIKE $3 ORDER BY status, reference, kind
"""


async def differences(merchant: Merchant, expected: ExpectedBooks, today: date) -> list[str]:
    """Return each account, quantity and status that differs, then the records that are not settled; [] if none does."""
    sandbox, accountant = merchant.sandbox, merchant.accountant
    profit_and_loss = await accountant.profit_and_loss(*merchant.days(today))
    stock = await accountant.stock(today)
    found = [
        *_each("account", sandbox.exact_balances(), expected.exact),
        *_each("profit and loss", profit_and_loss, expected.profit_and_loss),
        *_each("invoices", await accountant.invoice_statuses(), expected.invoices),
        *await _travelling(merchant, expected, stock.get(merchant.scenario.transit_warehouse, {})),
    ]
    for warehouse, pieces in expected.stock.items():
        found += _each(f"stock of {warehouse}", stock.get(warehouse, {}), pieces)
    if (difference := sandbox.exact_difference()) != 0:
        found.append(f"debits less credits: {difference}")
    owed = await accountant.receivables(today)
    if owed != expected.receivables:
        found.append(f"receivables: {owed}, expected {expected.receivables}")
    records = await count_records(merchant.pool, merchant.scenario.store)
    found += [f"{records[name]} records are {name}" for name in ("Pending", "Processing") if records.get(name)]
    return [*found, *await _records(merchant)] if found else []


async def _travelling(merchant: Merchant, expected: ExpectedBooks, in_transit: Mapping[str, Decimal]) -> list[str]:
    """Compare what travels: by our own account of each transfer, by Jurnal's transit warehouse, and as expected."""
    rows = await read_in_transit(merchant.pool, merchant.scenario.store, after=None, rows_max=10_000)
    travelling: dict[str, Decimal] = {}
    for row in rows:
        travelling[row.sku] = travelling.get(row.sku, Decimal(0)) + row.in_transit
    return [
        *(
            f"transfer row does not add up: {row}"
            for row in rows
            if row.sent != row.received + row.returned + row.rejected + row.in_transit
        ),
        *_each("in transit", travelling, expected.in_transit),
        *_each("transit warehouse", in_transit, travelling),
    ]


def _each(what: str, found: Amounts, expected: Amounts) -> list[str]:
    lines = []
    for name in sorted({*found, *expected}):
        ours, theirs = Fraction(found.get(name, 0)), Fraction(expected.get(name, 0))
        if ours != theirs:
            lines.append(f"{what}: {name}: {_plain(ours)}, expected {_plain(theirs)}, {_plain(ours - theirs)} more")
    return lines


def _plain(amount: Fraction) -> str:
    return f"{float(amount):.4f}".rstrip("0").rstrip(".")


async def _records(merchant: Merchant) -> list[str]:
    rows = await merchant.pool.fetch(_RECORDS, merchant.scenario.store, _SETTLED, _BEFORE)
    return [
        f"record: {row['kind']} {row['reference']} {row['amount'] or ''} {row['status']}: {row['reason']}"
        for row in rows
    ]
