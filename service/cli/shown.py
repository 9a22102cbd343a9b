"""Tables as a person and a pipe can read them, and amounts without the places that nobody wrote."""

from decimal import Decimal
from io import StringIO

import click
from rich.console import Console
from rich.table import Table

_PIPE_COLUMNS_MAX = 100_000


def new_table(*titles: str) -> Table:
    """Return an empty table without lines; a title that begins with Rp is of amounts."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, justify="right" if title.startswith("Rp") else "left", overflow="fold")
    return table


def show_table(table: Table) -> None:
    """Print a table. In a pipe a row is one line, whatever its length: what is searched for stays whole."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    written = StringIO()
    wide = Console(file=written, highlight=False, width=_PIPE_COLUMNS_MAX)
    wide.width = max(1, wide.measure(table).maximum)
    wide.print(table)
    click.echo("\n".join(line.rstrip() for line in written.getvalue().splitlines()))


def rupiah(amount: Decimal | None) -> str:
    """Return an amount for people: thousands apart, no zeros behind the point; empty for none."""
    return "" if amount is None else f"{amount.normalize():,f}"
