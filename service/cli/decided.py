"""What commands about a store share: which one, who decides, why, and where the decision stands."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import click

from service.ledger_parts import Ledger
from service.opening import open_ledger_parts
from service.settings import settings_from

STORE = click.option("--store", required=True, help="the store it is about")
ACTOR = click.option("--actor", required=True, help="who decides this; kept in the ledger")
REASON = click.option("--reason", required=True, help="why; kept in the ledger")


@asynccontextmanager
async def open_store(store: str) -> AsyncIterator[Ledger]:
    """Open the ledger for one store. Raises `BadParameter` (exit code 2) for a store that it does not have."""
    async with open_ledger_parts(settings_from(os.environ)) as ledger:
        await known_store(ledger, store)
        yield ledger


async def known_store(ledger: Ledger, store: str) -> None:
    """Raise `BadParameter` for a store that the ledger does not have, naming those it has."""
    if store not in (stores := await ledger.reader.stores()):
        known = f"known are {', '.join(sorted(stores))}" if stores else "`jurnalsync setup apply` connects one"
        raise click.BadParameter(f"there is no store {store}; {known}", param_hint="--store")


def dates_in_order(first: datetime | None, last: datetime | None) -> None:
    """Raise `BadParameter` for a range of dates that ends before it begins."""
    if first is not None and last is not None and last < first:
        raise click.BadParameter("--to is before --from; name the earlier date first")


def tell_position(what: str, position: int) -> None:
    """Say where a decision stands."""
    click.echo(f"{what} stands at position {position}; the service acts on it at once.")
