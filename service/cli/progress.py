"""A progress bar for commands that walk a ledger: facts, facts a second, time left; on stderr, gone when done."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def ledger_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar; call what is yielded with the position reached and the end."""
    started = time.perf_counter()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} facts/s"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    # In a pipe a bar that is gone when done would leave an empty line behind.
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=None, rate="-")

        def on_progress(position: int, end: int) -> None:
            rate = f"{position / max(time.perf_counter() - started, 0.001):,.0f}"
            bar.update(task, completed=position, total=end, rate=rate)

        yield on_progress
