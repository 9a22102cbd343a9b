"""The demo in a terminal: steps done, the shop's clock, the Accounting Sync table filling, goods and invoices."""

from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ops.sandbox.demo_day import rupiah
from ops.sandbox.demo_screen import Moment
from ops.sandbox.demo_words import status_style

_RECORDS_SHOWN = 8
_KINDS = {
    "sale": "Sale",
    "payment": "Payment",
    "payout": "Payout",
    "transfer_start": "Transfer Out",
    "transfer_receipt": "Transfer In",
    "goods_received": "From Supplier",
    "goods_returned": "To Supplier",
    "stock_count": "Stock Taking",
    "stock_adjustment": "Adjustment",
    "customer": "Customer",
}


class LiveScreen:
    """Steps scroll by above, the moving state stands below them."""

    def __init__(self) -> None:
        self._console = Console()
        self._live = Live(console=self._console, refresh_per_second=8, transient=True)
        self._live.start()

    def step(self, title: str, text: str = "") -> None:
        """Print the step above the moving part."""
        self._console.print(Text.assemble(("▶ ", "bold cyan"), (title, "bold"), (f"  {text}", "dim")))

    def done(self, text: str) -> None:
        """Print what was reached above the moving part."""
        self._console.print(Text.assemble(("  ✓ ", "green"), text))

    def show(self, moment: Moment) -> None:
        """Redraw the moving part."""
        self._live.update(_drawn(moment))

    def close(self) -> None:
        """Take the moving part away; what was printed stays."""
        self._live.update(Text(""))
        self._live.stop()


def _drawn(moment: Moment) -> RenderableType:
    clock = Table.grid(padding=(0, 2))
    clock.add_row(
        Text(moment.shop_time or "…", "bold"),
        ProgressBar(total=max(1, moment.events_total), completed=moment.events_done, width=30),
        Text(f"{moment.events_done}/{moment.events_total} events"),
        Text(f"{moment.webhooks_waiting} webhooks waiting", "dim"),
        Text(f"{moment.jurnal_calls} calls to Jurnal", "dim"),
    )
    parts: list[RenderableType] = [clock, Text(moment.happening, "italic")]
    if moment.view is not None:
        counts = Table.grid(padding=(0, 3))
        counts.add_row(
            Panel(_words(moment.view.sync), title="Accounting Sync", title_align="left", box=box.ROUNDED),
            Panel(_words(moment.view.invoices), title="Invoices", title_align="left", box=box.ROUNDED),
            Panel(_in_transit(moment.view.in_transit), title="iSeller in Transit", title_align="left", box=box.ROUNDED),
        )
        parts += [counts, _records(moment.view.records[:_RECORDS_SHOWN])]
    return Group(*parts)


def _words(counts: dict[str, int]) -> Text:
    shown = [(status, count) for status, count in counts.items() if count]
    return Text("  ").join(Text(f"{status} {count}", status_style(status)) for status, count in shown) or Text("-")


def _in_transit(quantities: dict[str, Decimal]) -> Text:
    on_way = [(sku, quantity) for sku, quantity in quantities.items() if quantity]
    return Text(", ".join(f"{int(quantity)} {sku}" for sku, quantity in on_way) or "nothing on its way")


def _records(records: list[dict[str, Any]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=False, header_style="dim")
    for name, justify in (("Type", "left"), ("Reference", "left"), ("Outlet", "left"), ("Amount", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # one of rich's own words
    table.add_column("Status", no_wrap=True)
    table.add_column("Jurnal", no_wrap=True, overflow="ellipsis", max_width=28)
    for record in records:
        numbers = [document["transaction_no"] for document in record["documents"] if document.get("transaction_no")]
        amount = record.get("amount")
        table.add_row(
            _KINDS.get(record["kind"], record["kind"]),
            record["reference"],
            record.get("outlet") or "",
            rupiah(Decimal(amount)) if amount is not None else "",
            Text(record["status"], status_style(record["status"])),
            numbers[-1] if numbers else "",
        )
    return table
