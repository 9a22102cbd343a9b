"""Tables as a person and a pipe can read them, and amounts without the places that nobody wrote."""

from decimal import Decimal
from io import StringIO

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_COLUMNS_MAX = 100_000
# What the last column tells is sentences: in less room than this they stand below their row.
_SENTENCE_COLUMNS_MIN = 40
_GAP = "  "


def new_table(*titles: str) -> Table:
    """Return an empty table without lines; a title that begins with Rp is of amounts, the last column of sentences."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, justify="right" if title.startswith("Rp") else "left", overflow="fold")
    return table


def show_table(table: Table) -> None:
    """Print a table. In a pipe a row is one line, whatever its length; in a terminal ids and numbers stay whole."""
    console = Console(highlight=False)
    if console.is_terminal:
        if _leaves_room(table, console.width):
            console.print(table)
        else:
            console.print(_below_each_other(table, console.width), soft_wrap=True)
        return
    written = StringIO()
    wide = Console(file=written, highlight=False, width=_PIPE_COLUMNS_MAX)
    wide.width = max(1, wide.measure(table).maximum)
    wide.print(table)
    click.echo("\n".join(line.rstrip() for line in written.getvalue().splitlines()))


def rupiah(amount: Decimal | None) -> str:
    """Return an amount for people: thousands apart, no zeros behind the point; empty for none."""
    return "" if amount is None else f"{amount.normalize():,f}"


def _leaves_room(table: Table, columns: int) -> bool:
    """Make all columns but the last as wide as they need; tell whether enough is left for that one."""
    *widths, sentence = _widths(table)
    for column in table.columns[:-1]:
        column.no_wrap = True
    return sum(widths) + len(_GAP) * len(widths) + min(sentence, _SENTENCE_COLUMNS_MIN) <= columns


def _below_each_other(table: Table, columns: int) -> Text:
    """Return each row on as many lines as it needs, broken between its cells, and its sentence below it.

    What is copied from it, such as the id of a record, is never broken; only what is longer than a line is.
    """
    *widths, _ = _widths(table)
    is_aligned = sum(widths) + len(_GAP) * (len(widths) - 1) <= columns
    console = Console(width=columns)
    lines = []
    for cells in _rows(table):
        line = Text()
        for cell, column, width in zip(cells, table.columns, widths, strict=False):
            padded = cell.copy()
            if is_aligned:
                padded.align("right" if column.justify == "right" else "left", width)
            elif not cell.cell_len:
                continue
            elif column.justify == "right" and cell.plain != column.header:
                padded = Text(f"{column.header} ").append_text(cell)
            if line.cell_len and line.cell_len + len(_GAP) + padded.cell_len > columns:
                lines.append(line)
                line = Text(_GAP)
            elif line.cell_len:
                line.append(_GAP)
            line.append_text(padded)
        lines.append(line)
        lines += [Text(_GAP * 2).append_text(part) for part in cells[-1].wrap(console, columns - 2 * len(_GAP))]
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def _rows(table: Table) -> list[list[Text]]:
    """Return the titles and the rows."""
    titles = [Text(str(column.header), style="bold") for column in table.columns]
    cells = zip(*(column.cells for column in table.columns), strict=True)
    return [titles, *([cell if isinstance(cell, Text) else Text(str(cell)) for cell in row] for row in cells)]


def _widths(table: Table) -> list[int]:
    """Return how wide each column is where nothing is broken."""
    return [max(cell.cell_len for cell in column) for column in zip(*_rows(table), strict=True)]
