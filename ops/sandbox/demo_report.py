"""The end of a demo: what the service and Jurnal say, what the generator expects, and where they differ."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from ops.sandbox.demo_house import House
from ops.sandbox.demo_settle import Due, counted
from ops.sandbox.expected import balance_accounts, half_up
from ops.sandbox.scenario_mode import Mode

# The generated days are the last three, the opening stock stands two days before them.
_REPORT_DAYS = 10
_STUCK = ("Held", "Pending", "Processing", "Failed")
_STUCK_SHOWN_MAX = 5
_OURS = "cus-"
Amounts = dict[str, Decimal]


class LiveModeSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen around the switch: writes to Jurnal before it, and the answer to switching it off (HTTP status)."""

    writes_before: int
    switch_off_status: int


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What Jurnal says at the end, read by the accountant; quantities by warehouse and SKU."""

    profit_and_loss: Amounts
    trial_balance: Amounts
    net_income: Decimal
    stock: dict[str, Amounts]
    invoices: Counter[str]
    receivables: list[Decimal]
    customer_ids: list[str | None]


class IntendedFailures(msgspec.Struct, frozen=True, kw_only=True):
    """What failed on purpose, by kind: how often it had to, and how often it was shown with its reason."""

    expected: dict[str, int] = {}
    seen: dict[str, int] = {}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report `./run --once --json` prints. Amounts and quantities are decimals, shown as strings.

    `mode`: the choices that were drawn, those of the plain shop without `--everything`.
    """

    seed: int
    orders: int
    facts_appended: int
    sync: dict[str, int]
    invoices: dict[str, int]
    in_transit: Amounts
    jurnal_in_transit: Amounts
    payouts: int
    jurnal_documents: dict[str, int]
    jurnal_calls: int
    duplicates: int
    duplicates_by_type: dict[str, int]
    trial_balance_difference: Decimal
    balances: Amounts
    expected_balances: Amounts
    profit_and_loss: Amounts
    expected_profit_and_loss: Amounts
    net_income: Decimal
    webhooks_lost: int
    live_mode: LiveModeSeen
    seconds: float
    problems: list[str]
    intended_failures: IntendedFailures = IntendedFailures()
    mode: Mode = Mode()
    stock_source_change: Amounts | msgspec.UnsetType = msgspec.UNSET
    stock_destination_change: Amounts | msgspec.UnsetType = msgspec.UNSET

    def as_json(self) -> str:
        """Return one line of JSON."""
        return msgspec.json.encode(self, enc_hook=str).decode()


async def read_books(house: House, today: date) -> Books:
    """Read Jurnal's reports as the accountant does."""
    first = today - timedelta(days=_REPORT_DAYS)
    accountant = house.accountant
    return Books(
        profit_and_loss=await accountant.profit_and_loss(first, today),
        trial_balance=await accountant.trial_balance(first, today),
        net_income=await accountant.net_income(first, today),
        stock=await accountant.stock(today),
        invoices=await accountant.invoice_statuses(),
        receivables=await accountant.receivables(today),
        customer_ids=await accountant.customer_ids(),
    )


def balances_of(house: House, trial_balance: Mapping[str, Decimal]) -> Amounts:
    """Return the balances the generator speaks of, in its words."""
    balances = {
        name: sign * trial_balance.get(account, Decimal(0))
        for name, (account, sign) in balance_accounts(house.scenario).items()
    }
    return {name: amount for name, amount in balances.items() if amount or name != "goods_received"}


class Course(msgspec.Struct, kw_only=True):
    """What was noted on the way: Jurnal's stock before the first transfer, what never settled, how long it took.

    `failures_intended` and `failures_seen`: by kind.
    """

    today: date
    live_mode: LiveModeSeen
    opening_stock: dict[str, Amounts]
    unsettled: list[str]
    seconds: float
    failures_intended: dict[str, int] = {}
    failures_seen: dict[str, int] = {}


async def make_report(house: House, due: Due, course: Course) -> Report:
    """Look at everything once more and write down what is not as expected."""
    view, books = await house.api.view(), await read_books(house, course.today)
    payouts = await house.api.records(kind="payout", status="Success")
    by_type = house.jurnal.duplicates(due.books.references)
    profit_and_loss = {name: books.profit_and_loss.get(name, Decimal(0)) for name in due.books.profit_and_loss}
    report = Report(
        seed=house.options.seed,
        orders=house.options.orders,
        facts_appended=await house.database.facts(house.scenario.store),
        sync=view.sync,
        invoices=view.invoices,
        in_transit=plain(view.in_transit),
        jurnal_in_transit=plain(_travelled(books.stock, house.scenario.transit_warehouse, view.in_transit)),
        payouts=len(payouts),
        jurnal_documents=house.jurnal.documents(),
        jurnal_calls=house.calls(),
        duplicates=sum(by_type.values()),
        duplicates_by_type=by_type,
        trial_balance_difference=_decimal(house),
        balances=plain(balances_of(house, books.trial_balance)),
        expected_balances=plain(due.books.balances),
        profit_and_loss=plain(profit_and_loss | books.profit_and_loss),
        expected_profit_and_loss=plain(due.books.profit_and_loss),
        net_income=whole(books.net_income),
        webhooks_lost=len(house.iseller.outbox.lost),
        live_mode=course.live_mode,
        seconds=round(course.seconds, 1),
        problems=[],
        mode=house.scenario.mode,
        intended_failures=IntendedFailures(expected=course.failures_intended, seen=course.failures_seen),
    )
    shown = problems_of(report, due, house.accountant.made["stock_adjustment"])
    stuck = [line for status in _STUCK for line in _lines(await house.api.records(status=status))]
    problems = [*course.unsettled, *stuck, *shown, *_jurnal_problems(report, books, due)]
    report = msgspec.structs.replace(report, problems=problems)
    if not house.options.stop_after_transfer_start:
        return report
    source, destination = (
        _changes(books.stock, course.opening_stock, outlet.warehouse, view.in_transit)
        for outlet in house.scenario.outlets
    )
    return msgspec.structs.replace(report, stock_source_change=source, stock_destination_change=destination)


def _lines(records: list[dict[str, Any]]) -> list[str]:
    """Return what records say that are not done with, for whoever reads the report."""
    shown = records[:_STUCK_SHOWN_MAX]
    return [f"{each['kind']} {each['reference']} is {each['status']}: {each['reason']}" for each in shown]


def plain(amounts: Mapping[str, Decimal]) -> Amounts:
    """Return the amounts without trailing zeros or exponents."""
    return {name: whole(amount) for name, amount in amounts.items()}


def whole(amount: Decimal) -> Decimal:
    """Return the same amount without trailing zeros, exponent, or the sign of nothing."""
    return Decimal(f"{amount.normalize():f}") + 0


def _decimal(house: House) -> Decimal:
    """All debits less all credits, before a report rounds each account."""
    difference = house.jurnal.exact_difference()
    return Decimal(difference.numerator) / Decimal(difference.denominator)


def _travelled(stock: Mapping[str, Amounts], warehouse: str, travelled: Mapping[str, Decimal]) -> Amounts:
    return {sku: stock.get(warehouse, {}).get(sku, Decimal(0)) for sku in travelled}


def _changes(
    stock: Mapping[str, Amounts], opening: Mapping[str, Amounts], warehouse: str, travelled: Mapping[str, Decimal]
) -> Amounts:
    now, before = (_travelled(each, warehouse, travelled) for each in (stock, opening))
    return {sku: whole(now[sku] - before[sku]) for sku in travelled}


def problems_of(report: Report, due: Due, stock_bought: int) -> list[str]:
    """Return what the report itself shows to be wrong, one line each; the accountant bought so many times."""
    pairs: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [
        ("balance", report.balances, report.expected_balances),
        ("profit and loss", report.profit_and_loss, report.expected_profit_and_loss),
        ("in transit", report.in_transit, due.books.in_transit),
        ("Jurnal's in-transit stock", report.jurnal_in_transit, report.in_transit),
        ("invoices", report.invoices, due.books.invoices),
        ("documents", _without_early_returns(counted(report.jurnal_documents, stock_bought), due), due.documents),
    ]
    problems = [problem for name, found, expected in pairs for problem in _differences(name, found, expected)]
    failures = report.intended_failures
    problems += _differences("intended failures", failures.seen, failures.expected)
    if report.sync.get("Failed"):
        problems.append(f"sync: {report.sync['Failed']} Failed")
    if report.payouts != due.documents["bank_deposit"]:
        problems.append(f"payouts: {report.payouts} booked, {due.documents['bank_deposit']} completed")
    if report.duplicates:
        problems.append(f"duplicates: {report.duplicates}")
    if report.trial_balance_difference:
        problems.append(f"trial balance: {report.trial_balance_difference}")
    if report.live_mode.writes_before:
        problems.append(f"Live Mode: {report.live_mode.writes_before} writes to Jurnal before it")
    if report.live_mode.switch_off_status != 405:
        problems.append(f"Live Mode: switching it off was answered {report.live_mode.switch_off_status}")
    return problems


def _without_early_returns(made: Mapping[str, int], due: Due) -> dict[str, int]:
    """Return the documents without those that there may be beyond what is due."""
    return {
        kind: count - min(max(0, count - due.documents.get(kind, 0)), due.more.get(kind, 0))
        for kind, count in made.items()
    }


def _jurnal_problems(report: Report, books: Books, due: Due) -> list[str]:
    """Compare Jurnal's own lists with the service's and the generator's."""
    problems = _differences("invoices in Jurnal", books.invoices, Counter(report.invoices))
    for warehouse, expected in due.books.stock.items():
        problems += _differences(f"stock of {warehouse}", books.stock.get(warehouse, {}), expected)
    exact = {account: half_up(balance) for account, balance in due.books.exact.items()}
    problems += _differences("trial balance", books.trial_balance, exact)
    # The walk-in contact has no id; one beginning with our own mark was made up by the service.
    told = sorted("" if own.startswith(_OURS) else own for own in books.customer_ids if own is not None)
    if told != due.books.customers:
        problems.append(f"customers: {told}, expected {due.books.customers}")
    if report.mode.payment_method_kept and (deposits := report.jurnal_documents.get("deposit_payment", 0)):
        problems.append(f"payments: {deposits} are deposits, though their methods are to be kept")
    if books.receivables != due.books.receivables:
        problems.append(
            f"receivables by customer: {_listed(books.receivables)}, expected {_listed(due.books.receivables)}"
        )
    return problems


def _listed(amounts: list[Decimal]) -> str:
    return ", ".join(f"{amount:f}" for amount in amounts) or "none"


def _differences(name: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    keys = [*expected, *(key for key in found if key not in expected)]
    # Documents nobody counts on, such as customers and products, are no difference.
    if name == "documents":
        keys = list(expected)
    return [
        f"{name}: {key} is {found.get(key, 0)}, expected {expected.get(key, 0)}"
        for key in keys
        if found.get(key, 0) != expected.get(key, 0)
    ]
