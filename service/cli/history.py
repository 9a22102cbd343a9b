"""`jurnalsync export`, `import` and `archive`: ledgers as files, for auditors, for moving house, and for good."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from eventstore.archive import archive_before
from eventstore.connection import open_pool
from eventstore.history_export import HistoryFormat, export_history, positions_between
from eventstore.history_import import import_history
from service.cli.progress import ledger_progress
from service.opening import open_ledger_parts
from service.settings import database_settings_from, settings_from


def moment(text: str) -> datetime:
    """Return an ISO 8601 date or time; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no time; write 2026-11-30 or 2026-11-30T17:00:00+07:00") from error
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--store", required=True, help="the store whose ledger is written")
@click.option("--from", "first", type=click.IntRange(1), help="first position, default 1")
@click.option("--to", "last", type=click.IntRange(1), help="last position, default the head")
@click.option("--since", type=moment, metavar="TIME", help="instead: recorded from this time on; UTC unless it says")
@click.option("--until", type=moment, metavar="TIME", help="instead: recorded before this time")
@click.option("--format", "form", type=click.Choice(get_args(HistoryFormat)), default="jsonl", show_default=True)
def export(
    path: Path,
    store: str,
    first: int | None,
    last: int | None,
    since: datetime | None,
    until: datetime | None,
    form: HistoryFormat,
) -> None:
    """Write a ledger to PATH, with a manifest beside it. Sealed values stay sealed.

    JSON lines can be imported again and verified by ops/verifier; Parquet needs the audit extra.
    """
    if (first or last) and (since or until):
        raise click.UsageError("give positions or times, not both")
    if first is not None and last is not None and last < first:
        raise click.BadParameter("--to is before --from; name the earlier position first")

    async def run() -> None:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            start, end = first or 1, last
            if since or until:
                start, end = await positions_between(ledger.reader, store, since, until)
                if start > end:
                    raise click.ClickException(f"{store}: nothing was recorded in that time")
            with ledger_progress(f"{store} export") as on_progress:
                manifest = await export_history(
                    ledger.reader, store, path, first=start, last=end, form=form, on_progress=on_progress
                )
        click.echo(f"{store}: positions {manifest.first} to {manifest.last}, SHA-256 {manifest.sha256}")

    run_with_files(run, path)


@click.command(name="import")
@click.argument("path", type=click.Path(path_type=Path))
def import_command(path: Path) -> None:
    """Read a history written by `export` into its ledger. Goes on where an earlier import broke off."""

    async def run() -> None:
        settings = settings_from(os.environ)
        async with open_ledger_parts(settings) as ledger:
            with ledger_progress("import") as on_progress:
                imported = await import_history(
                    ledger.pool, path, archive_folder=settings.archive_folder, on_progress=on_progress
                )
        click.echo(f"{imported.written} facts written, {imported.known} were there already")

    run_with_files(run, path)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--store", required=True, help="the store whose ledger is archived")
@click.option(
    "--before",
    type=moment,
    metavar="TIME",
    required=True,
    help="what was recorded before; UTC unless it says",
)
def archive(folder: Path, store: str, before: datetime) -> None:
    """Move old facts of a ledger out of the database into files in FOLDER, for good.

    Needs the login that owns the schema. The service must find FOLDER in JURNALSYNC_ARCHIVE_FOLDER first. Keep copies:
    the files are the only place of these facts. A run that broke off is finished by the next one.
    """

    async def run() -> None:
        settings = database_settings_from(os.environ)
        pool = await open_pool(
            settings.database_url.reveal(),
            role=None,
            connections_max=2,
            statement_cache_size=settings.statement_cache_size,
        )
        try:
            with ledger_progress(f"{store} archive") as on_progress:
                archives = await archive_before(pool, store, before, folder, on_progress=on_progress)
        finally:
            await pool.close()
        for each in archives:
            click.echo(f"{store}: positions {each.first} to {each.last} stand in {each.file_name} only")
        if not archives:
            click.echo(f"{store}: nothing was recorded before {before.isoformat()} that is not archived")

    run_with_files(run, folder)


def run_with_files(run: Callable[[], Coroutine[None, None, None]], path: Path) -> None:
    """Run a command that reads or writes files; what the file system refuses is said in one sentence."""
    try:
        asyncio.run(run())
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error
