"""The command line: `jurnalsync`."""

import asyncio
import os
import secrets
import sys
from pathlib import Path

import click

from eventstore.connection import CONNECTION_ERRORS
from eventstore.errors import LedgerError
from projections.catalogue import CATALOGUE
from service.cli.decided import known_store
from service.cli.differences import differences
from service.cli.history import archive, export, import_command
from service.cli.operate import command, store, stream
from service.cli.payouts import payouts
from service.cli.preflight import preflight
from service.cli.products import products
from service.cli.quota import quota
from service.cli.rebuild import rebuild_store
from service.cli.reconcile import reconcile
from service.cli.serve import serve
from service.cli.setup import setup
from service.cli.sync import sync
from service.cli.verify import verify_stores
from service.migrate import migrate_all
from service.opening import open_ledger_parts, open_rebuilder
from service.settings import SettingsError, database_settings_from, settings_from, settings_table
from service.setup_error import SetupError
from service.telemetry.logs import configure_logs
from service.wiring import VERSION

_LOOK_AT_DATABASE = "Look whether it runs and can be reached, and at JURNALSYNC_DATABASE_URL"


def main() -> None:
    """Run the command line; what a person can mend ends in one clear sentence and exit code 1."""
    try:
        jurnalsync.main(prog_name="jurnalsync", standalone_mode=True)
    except (LedgerError, SettingsError, SetupError) as error:
        click.echo(f"jurnalsync: {error}", err=True)
        sys.exit(1)
    except CONNECTION_ERRORS as error:
        # Never the address: it may hold a password.
        reason = str(error) or "it did not answer in time"
        click.echo(f"jurnalsync: the database cannot be used: {reason}. {_LOOK_AT_DATABASE}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="jurnalsync")
def jurnalsync() -> None:
    """Every iSeller business event in an append-only ledger, and Mekari Jurnal right to the rupiah."""


@jurnalsync.command(name="serve")
def serve_command() -> None:
    """Take webhooks, fold, dispatch and serve the API until stopped."""
    settings = settings_from(os.environ)
    configure_logs(settings.log_level)
    asyncio.run(serve(settings))


@jurnalsync.command()
def migrate() -> None:
    """Bring the database to this release's schema."""
    settings = database_settings_from(os.environ)
    applied = asyncio.run(migrate_all(settings.database_url.reveal(), service_role=settings.database_role))
    for name in applied:
        click.echo(f"applied {name}")
    click.echo("The schema is up to date.")


@jurnalsync.command(name="settings")
def settings_command() -> None:
    """Print every environment variable with its shape, default and meaning."""
    click.echo(settings_table(), nl=False)


@jurnalsync.group()
def keys() -> None:
    """Make the key that personal values and credentials are sealed with."""


@keys.command(name="make")
@click.argument("path", type=click.Path(path_type=Path))
def make_key(path: Path) -> None:
    """Write a new sealing key to PATH. Keep it as safe as the money: without it nothing sealed can be read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    click.echo(f"Sealing key written to {path}.")


@jurnalsync.command()
@click.option("--store", help="only this store; all stores without it")
@click.option("--from", "first", type=click.IntRange(1), default=1, help="first position, default 1")
@click.option("--to", "last", type=click.IntRange(1), help="last position, default the head")
def verify(store: str | None, first: int, last: int | None) -> None:
    """Recompute every hash from the first fact to the head; exit code 1 at a break, which is told with its position."""
    if last is not None and last < first:
        raise click.BadParameter("--to is before --from; name the earlier position first")

    async def run() -> bool:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            return await verify_stores(ledger.reader, store, first=first, last=last)

    if not asyncio.run(run()):
        sys.exit(1)


@jurnalsync.command(
    help="Fold PROJECTION again from the first fact, while the service runs, and swap it in.\n\n"
    f"PROJECTION is one of {', '.join(sorted(CATALOGUE))}."
)
@click.argument("projection", type=click.Choice(sorted(CATALOGUE)), metavar="PROJECTION")
@click.option("--store", help="only this store; all stores without it")
@click.option("--check", is_flag=True, help="only tell what would differ; exit code 1 if anything does")
def rebuild(projection: str, store: str | None, *, check: bool) -> None:
    """Rebuild a read model, or with `check` only compare."""

    async def run() -> bool:
        settings = settings_from(os.environ)
        async with open_ledger_parts(settings) as ledger, open_rebuilder(settings, ledger) as rebuilder:
            if store is not None:
                await known_store(ledger, store)
            same = True
            for store_id in [store] if store is not None else await ledger.reader.stores():
                same &= await rebuild_store(
                    rebuilder, ledger.appender, ledger.clock, store_id, CATALOGUE[projection], check=check
                )
            return same

    same = asyncio.run(run())
    if check and not same:
        sys.exit(1)


jurnalsync.add_command(archive)
jurnalsync.add_command(export)
jurnalsync.add_command(import_command)
jurnalsync.add_command(stream)
jurnalsync.add_command(command)
jurnalsync.add_command(preflight)
jurnalsync.add_command(products)
jurnalsync.add_command(setup)
jurnalsync.add_command(store)
jurnalsync.add_command(payouts)
jurnalsync.add_command(quota)
jurnalsync.add_command(reconcile)
jurnalsync.add_command(differences)
jurnalsync.add_command(sync)
