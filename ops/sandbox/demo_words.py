"""The end of the demo for a person: the tables of the report, and where to look next."""

import shlex
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ops.sandbox.demo_day import rupiah
from ops.sandbox.demo_house import House, utc_now
from ops.sandbox.demo_report import Report

_WIDTH_MIN = 118


def told(report: Report) -> None:
    """Print the report as tables."""
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = _WIDTH_MIN
    console.print(_side_by_side(_counts("Accounting Sync", report.sync), _counts("Invoices", report.invoices)))
    console.print(
        _side_by_side(
            _amounts("Profit and loss in Jurnal", report.profit_and_loss, report.expected_profit_and_loss, report),
            _amounts("Balances in Jurnal", report.balances, report.expected_balances, None),
        )
    )
    on_way = int(sum(report.in_transit.values()))
    console.print(
        f"{report.facts_appended} facts in the ledger · {report.jurnal_calls} calls to Jurnal"
        f" · {report.payouts} payouts · in transit {on_way} · duplicates {report.duplicates}"
        f" · trial balance off by {report.trial_balance_difference} · {report.seconds:.0f} s",
        soft_wrap=True,
    )
    if report.problems:
        console.print(Text("Not as expected:\n  " + "\n  ".join(report.problems), style="bold red"))
    else:
        console.print(Text("Jurnal is right to the rupiah: every figure equals the generator's own account.", "green"))


def addresses(house: House) -> str:
    """Return what to look at while everything still runs."""
    last = utc_now().astimezone(house.scenario.time_zone).date()
    first = last - timedelta(days=3)
    store = f"{house.service_url}/v1/stores/{house.scenario.store}"
    return "\n".join(
        (
            "",
            "Everything still runs. Look at it:",
            f"  STORE={store}",
            f"  TOKEN={house.secrets.api_token}",
            *(
                f'  curl -s -H "Authorization: Bearer $TOKEN" "$STORE/{question}"'
                for question in ("sync?status=Success&limit=3", "in-transit", "invoices?status=Open")
            ),
            f"  curl -s {house.operations_url}/metrics",
            f"  the service's log: {house.folder.log}",
            "Work with it, from this folder (more: .venv/bin/python -m service --help):",
            f"  . {shlex.quote(str(house.folder.environment_file))}",
            *(
                f"  .venv/bin/python -m service {command}"
                for command in (
                    "store list",
                    f"sync list --store {house.scenario.store} --limit 5",
                    f"reconcile --store {house.scenario.store} --from {first} --to {last}",
                    "verify",
                )
            ),
            "",
            "Ctrl-C stops everything.",
        )
    )


def status_style(status: str) -> str:
    """Return the colour of a sync or invoice status."""
    return {
        "Success": "green",
        "Paid": "green",
        "Failed": "bold red",
        "Overdue": "red",
        "Processing": "cyan",
        "Partial": "cyan",
        "Pending": "yellow",
        "Open": "yellow",
        "Held": "magenta",
    }.get(status, "dim")


def _side_by_side(left: RenderableType, right: RenderableType) -> Table:
    grid = Table.grid(padding=(0, 4))
    grid.add_row(left, right)
    return grid


def _counts(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title=title, box=box.SIMPLE, title_justify="left", title_style="bold")
    for status in counts:
        table.add_column(status, justify="right", header_style=status_style(status))
    table.add_row(*(str(count) for count in counts.values()))
    return table


def _amounts(
    title: str, amounts: Mapping[str, Decimal], expected: Mapping[str, Decimal], report: Report | None
) -> RenderableType:
    table = Table(title=title, box=box.SIMPLE, title_justify="left", title_style="bold", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for name, amount in amounts.items():
        right = amount == expected.get(name, Decimal(0))
        table.add_row(name.replace("bank:", ""), rupiah(amount), Text("✓", "green") if right else Text("✗", "bold red"))
    if report is not None:
        table.add_section()
        table.add_row(Text("Net income", "bold"), Text(rupiah(report.net_income), "bold"), "")
    return Group(table)
