"""`jurnalsync payouts import`: payouts whose webhook never came, from iSeller's payout report."""

import asyncio
import os
import sys
from pathlib import Path
from typing import get_args

import click

from projections.store_settings.queries import read_settings
from service.cli.decided import STORE
from service.iseller.intake import Intake
from service.payout_import import LineTaken, PayoutImport
from service.payout_report import Dialect, Wrong, read_payout_report
from service.settings import settings_from
from service.wiring import open_ledger_parts

_FILE_BYTES_MAX = 16 * 1024 * 1024


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
@click.option("--dry-run", is_flag=True, help="only say what would become of each line")
def import_payouts(path: Path, store: str, dialect: Dialect, *, dry_run: bool) -> None:
    """Take the payouts of PATH (CSV) like webhooks of them: what is known already is told once.

    Columns: Reference ID, Date, Status, Transactions Amount, Total Fees, Total Deposit. A file with a mistake is not
    taken at all. Exit code 1 if a line contradicts what was told before.
    """
    text = _text(path)

    async def run() -> tuple[list[LineTaken], tuple[Wrong, ...]]:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            connection = (await read_settings(ledger.pool, store)).connection
            if connection is None:
                raise click.ClickException(f"store {store} is not connected; `jurnalsync setup apply` connects one")
            read = read_payout_report(text, dialect, connection.time_zone)
            intake = Intake(ledger.reader, ledger.appender, ledger.keyring, ledger.clock)
            payout_import = PayoutImport(ledger.reader, intake, ledger.clock)
            return await payout_import.take(store, read.payouts, dry_run=dry_run), read.wrong

    taken, wrong = asyncio.run(run())
    if wrong:
        for each in wrong:
            click.echo(f"{path.name}: {each}", err=True)
        raise click.ClickException(f"{len(wrong)} mistakes; nothing was taken")
    for line in taken:
        click.echo(_told(line))
    counts = {outcome: sum(line.outcome == outcome for line in taken) for outcome in ("new", "known", "contradicts")}
    would = "would be " if dry_run else ""
    click.echo(f"{counts['new']} {would}new, {counts['known']} known already, {counts['contradicts']} contradict")
    if counts["contradicts"]:
        sys.exit(1)


def _text(path: Path) -> str:
    if path.stat().st_size > _FILE_BYTES_MAX:
        raise click.ClickException(f"{path.name} is larger than {_FILE_BYTES_MAX} bytes; split it")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path.name} is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _told(line: LineTaken) -> str:
    place = "" if line.position is None else f", position {line.position}"
    if line.outcome == "contradicts":
        return f"line {line.line}: {line.reference_id} contradicts what is known{place}: {line.detail}"
    return f"line {line.line}: {line.reference_id} is {line.outcome}{place}"
