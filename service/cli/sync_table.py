"""The Accounting Sync list as a table that a person reads."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from projections.sync_status.queries import SyncPage
from service.sync_wording import wording

_COLOURS = {"Failed": "red", "Held": "yellow", "Success": "green"}
_PIPE_COLUMNS = 200


def show_page(page: SyncPage, paused: str | None, waits: str | None) -> None:
    """Print a page with its counts; in a pipe every line keeps its words."""
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = _PIPE_COLUMNS
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Status", "Record", "Reference", "Outlet", "Date", "Rp", "What happened and what to do"):
        table.add_column(title, justify="right" if title == "Rp" else "left", overflow="fold")
    for record in page.records:
        words = wording(record, paused=paused, waits=waits)
        what_to_do = "" if words.what_to_do == "Nothing" else f". {words.what_to_do}"
        cells = (
            record.record_id,
            record.reference,
            record.outlet or "",
            "" if record.business_date is None else record.business_date.isoformat(),
            "" if record.amount is None else f"{record.amount:,f}",
            f"{words.reason}{what_to_do}",
        )
        # As text: a reason may hold brackets, which are no markup of ours.
        table.add_row(Text(record.status, style=_COLOURS.get(record.status, "")), *map(Text, cells))
    console.print(table)
    counts = ", ".join(f"{count:,} {status}" for status, count in sorted(page.counts.items()))
    console.print(Text(counts or "No records."))
    if page.next is not None:
        console.print(Text("There are more: narrow the filters, or raise --limit."))
    if paused is not None:
        console.print(Text(f"Nothing is sent: the store is paused {paused}"))
    elif waits is not None:
        console.print(Text(f"Nothing is sent: {waits}"))
