"""What connects and maps stores: `jurnalsync setup …`."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from service.opening import open_ledger_parts
from service.settings import settings_from
from service.setup import Applied, StoreSetup
from service.setup_csv import COLUMNS, Table, mappings_of, read_rows, written
from service.setup_error import SetupError
from service.setup_history import SettingMade
from service.setup_removal import Mapped, removals

Answer = TypeVar("Answer")

_PATH = click.Path(path_type=Path)
_STORE = click.option("--store", required=True, help="the store it is about")
_ACTOR = click.option("--actor", default="command line", show_default=True, help="who decides this; kept in the ledger")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="only tell what would change")
_UNMAP = click.option("--unmap", is_flag=True, help="take away outlets and channels that the file leaves out")
_TABLE = click.argument("table", type=click.Choice(list(COLUMNS)))


@click.group()
def setup() -> None:
    """Connect stores and map what they have to Jurnal."""


@setup.command(name="apply")
@click.argument("path", type=_PATH)
@_ACTOR
@_UNMAP
@_DRY_RUN
def apply_setup(path: Path, *, actor: str, unmap: bool, dry_run: bool) -> None:
    """Apply a set-up file; prints what changed. Applying it again changes nothing."""
    _apply(path, actor=actor, unmap=unmap, dry_run=dry_run)


@setup.command(name="diff")
@click.argument("path", type=_PATH)
@_UNMAP
def diff_setup(path: Path, *, unmap: bool) -> None:
    """Print what applying a set-up file would change; changes nothing."""
    _apply(path, actor=None, unmap=unmap, dry_run=True)


@setup.command(name="unmap")
@click.argument("mapped", type=click.Choice(["outlet", "channel", "sales-accounts"]))
@click.argument("scope")
@_STORE
@_ACTOR
@_DRY_RUN
def unmap_one(mapped: str, scope: str, store: str, *, actor: str, dry_run: bool) -> None:
    """Map an outlet, a channel or the sales accounts of a scope no more.

    SCOPE is the outlet's id, the channel (web, marketplace:tokopedia), or "" for the store's own sales accounts. What
    is booked stays; what comes from there waits until it is mapped again.
    """
    kind: Mapped = "outlet" if mapped == "outlet" else "channel" if mapped == "channel" else "sales_accounts"

    async def act(stores: StoreSetup) -> Applied:
        return await stores.map(store, lambda known: removals(known, kind, scope), actor=actor, dry_run=dry_run)

    _tell(asyncio.run(_with_setup(act)), dry_run=dry_run)


_IMPORT_HELP = """Map outlets, payments or the sales accounts of products from a CSV file; prints what changed.

    Rows add to what stands and change it; nothing is taken away, and with one wrong row nothing is changed. A scope is
    an outlet's id, a channel (web, marketplace:tokopedia), or empty for the whole store.

    \b
    The first row names the columns:
    """ + "\n    ".join(f"{table}: {','.join(columns)}" for table, columns in COLUMNS.items())


@setup.command(name="import", help=_IMPORT_HELP)
@_TABLE
@click.argument("path", type=_PATH)
@_STORE
@_ACTOR
@_DRY_RUN
def import_mappings(table: Table, path: Path, store: str, *, actor: str, dry_run: bool) -> None:
    """Map in bulk."""

    async def act(stores: StoreSetup) -> Applied:
        rows = read_rows(_text_of(path), table)
        return await stores.map(store, lambda known: mappings_of(rows, table, known), actor=actor, dry_run=dry_run)

    try:
        _tell(asyncio.run(_with_setup(act)), dry_run=dry_run)
    except SetupError as error:
        raise SetupError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


@setup.command(name="export")
@_TABLE
@_STORE
@click.argument("path", type=_PATH, required=False)
def export_mappings(table: Table, store: str, path: Path | None) -> None:
    """Write what is mapped as the CSV that `setup import` reads, to PATH or the terminal."""

    async def act(stores: StoreSetup) -> str:
        return written(table, await stores.known(store))

    text = asyncio.run(_with_setup(act))
    if path is None:
        click.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"{table} of store {store} written to {path}.")


@setup.command(name="history")
@_STORE
@click.option("--about", help="only lines that hold this text, such as an outlet's name")
def show_history(store: str, *, about: str | None) -> None:
    """Print who changed which setting when, oldest first: position in the ledger, time (UTC), who, and what."""

    async def act(stores: StoreSetup) -> list[SettingMade]:
        return await stores.history(store)

    for made in asyncio.run(_with_setup(act)):
        for change in made.changes:
            if about is None or about.lower() in change.lower():
                click.echo(f"{made.position}  {made.at:%Y-%m-%d %H:%M:%S}  {made.actor}  {change}")


def _apply(path: Path, *, actor: str | None, unmap: bool, dry_run: bool) -> None:
    async def act(stores: StoreSetup) -> Applied:
        return await stores.apply(path, actor=actor, unmap=unmap, dry_run=dry_run)

    _tell(asyncio.run(_with_setup(act)), dry_run=dry_run)


async def _with_setup(act: Callable[[StoreSetup], Awaitable[Answer]]) -> Answer:
    async with open_ledger_parts(settings_from(os.environ)) as ledger:
        return await act(ledger.setup)


def _tell(applied: Applied, *, dry_run: bool) -> None:
    for change in applied.changes:
        click.echo(change)
    for left in applied.left:
        click.echo(f"{left}: not in the file, and stays mapped; --unmap takes it away")
    if not applied.changes:
        click.echo(f"Store {applied.store_id}: no change.")
    elif dry_run:
        click.echo(f"Store {applied.store_id} is left as it stands: apply it without --dry-run.")
    else:
        click.echo(f"Store {applied.store_id} is set up.")


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SetupError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetupError("is no text in UTF-8; save it as CSV UTF-8") from error
