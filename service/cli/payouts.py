"""`jurnalsync payouts import`: payouts whose webhook never came, from iSeller's payout report."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import click

from eventstore.facts.registry import decode
from eventstore.facts.settings import SETTINGS_STREAM, StoreConnected
from eventstore.store import LedgerReader
from service.cli.decided import STORE
from service.iseller.intake import Intake
from service.opening import open_ledger_parts
from service.payout_import import LineTaken, PayoutImport
from service.payout_report import Dialect, StatusWords, Wrong, read_payout_report
from service.settings import settings_from

_FILE_BYTES_MAX = 16 * 1024 * 1024
_SETTINGS_MAX = 100_000


def _word(meaning: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        f"--{meaning}-word",
        f"{meaning}_words",
        multiple=True,
        help=f"another word of the report's for {meaning}; may be repeated",
    )


@click.group()
def payouts() -> None:
    """Enter payouts of iSeller Pay."""


@payouts.command(name="import")
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@STORE
@click.option(
    "--dialect",
    type=click.Choice(get_args(Dialect)),
    default="plain",
    show_default=True,
    help="plain: 1234567.00 and 2026-12-31; indonesian: 1.234.567,00 and 31/12/2026",
)
@_word("completed")
@_word("failed")
@_word("waiting")
@click.option("--dry-run", is_flag=True, help="only say what would become of each line")
def import_payouts(
    path: Path,
    store: str,
    dialect: Dialect,
    completed_words: tuple[str, ...],
    failed_words: tuple[str, ...],
    waiting_words: tuple[str, ...],
    *,
    dry_run: bool,
) -> None:
    """Take the payouts of PATH (CSV) like webhooks of them: what is known already is told once.

    Columns: Reference ID, Date, Status, Transactions Amount, Total Fees, Total Deposit. A file with a mistake is not
    taken at all. Exit code 1 if a line contradicts what was told before.
    """
    text = _text(path)
    words = StatusWords(completed_words, failed_words, waiting_words)

    async def run() -> tuple[list[LineTaken], tuple[Wrong, ...]]:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            read = read_payout_report(text, dialect, await _time_zone(ledger.reader, store), words)
            intake = Intake(ledger.reader, ledger.appender, ledger.keyring, ledger.clock)
            payout_import = PayoutImport(ledger.reader, intake, ledger.clock)
            return await payout_import.take(store, read.payouts, dry_run=dry_run), read.wrong

    taken, wrong = asyncio.run(run())
    if wrong:
        for each in wrong:
            click.echo(f"{path}: {each}", err=True)
        raise click.ClickException(f"{len(wrong)} mistakes; nothing was taken")
    for line in taken:
        click.echo(_told(line))
    counts = {outcome: sum(line.outcome == outcome for line in taken) for outcome in ("new", "known", "contradicts")}
    would = "would be " if dry_run else ""
    click.echo(f"{counts['new']} {would}new, {counts['known']} known already, {counts['contradicts']} contradict")
    if counts["contradicts"]:
        sys.exit(1)


async def _time_zone(reader: LedgerReader, store: str) -> str:
    """Return the store's time zone from the ledger itself: the service need not run."""
    settings = await reader.read_stream(store, SETTINGS_STREAM, facts_max=_SETTINGS_MAX)
    connections = [told for fact in settings if isinstance(told := decode(fact), StoreConnected)]
    if not connections:
        raise click.ClickException(f"store {store} is not connected; `jurnalsync setup apply` connects one")
    return connections[-1].time_zone


def _text(path: Path) -> str:
    if path.stat().st_size > _FILE_BYTES_MAX:
        raise click.ClickException(f"{path} is larger than {_FILE_BYTES_MAX} bytes; split it")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _told(line: LineTaken) -> str:
    place = "" if line.position is None else f", position {line.position}"
    if line.outcome == "contradicts":
        return f"line {line.line}: {line.reference_id} contradicts what is known{place}: {line.detail}"
    return f"line {line.line}: {line.reference_id} is {line.outcome}{place}"
