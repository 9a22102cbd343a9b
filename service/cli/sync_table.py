"""The Accounting Sync list as a table that a person reads."""

import click
from rich.text import Text

from projections.sync_status.queries import SyncPage
from service.cli.shown import new_table, rupiah, show_table
from service.sync_wording import wording

_COLOURS = {"Failed": "red", "Held": "yellow", "Success": "green"}


def show_page(page: SyncPage, paused: str | None, waits: str | None) -> None:
    """Print a page and the counts of all that the filters find, whatever their status."""
    table = new_table("Status", "Record", "Reference", "Outlet", "Date", "Rp", "What happened and what to do")
    for record in page.records:
        words = wording(record, paused=paused, waits=waits)
        what_to_do = "" if words.what_to_do == "Nothing" else f". {words.what_to_do}"
        cells = (
            record.record_id,
            record.reference,
            record.outlet or "",
            "" if record.business_date is None else record.business_date.isoformat(),
            rupiah(record.amount),
            f"{words.reason}{what_to_do}",
        )
        # As text: a reason may hold brackets, which are no markup of ours.
        table.add_row(Text(record.status, style=_COLOURS.get(record.status, "")), *map(Text, cells))
    counts = counts_told(page.counts)
    if page.records:
        show_table(table)
        click.echo(counts)
    else:
        click.echo(f"No records. Of any status: {counts}" if counts else "No records.")
    if page.next is not None:
        click.echo("There are more: narrow the filters, or raise --limit.")
    if paused is not None:
        click.echo(f"Nothing is sent: the store is paused {paused}. To go on: jurnalsync store resume")
    elif waits is not None:
        click.echo(f"Nothing is sent: {waits}")


def counts_told(counts: dict[str, int]) -> str:
    """Return how many lines show each status, in words; empty without any."""
    return ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
