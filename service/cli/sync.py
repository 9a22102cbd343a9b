"""What a person sends by hand: `jurnalsync sync transfers`."""

import asyncio
import os
from datetime import datetime

import click

from eventstore.facts.settings import SyncRequested
from service.scheduler import request_sync
from service.settings import settings_from
from service.wiring import open_ledger_parts

_DATE = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def sync() -> None:
    """Send what waits to be sent by hand or at a scheduled time."""


@sync.command(name="transfers")
@click.option("--store", required=True, help="the store it is about")
@click.option("--from", "first", required=True, type=_DATE, help="first date of the store, included")
@click.option("--to", "last", required=True, type=_DATE, help="last date of the store, included")
@click.option("--actor", required=True, help="who decides this; kept in the ledger")
@click.option("--reason", required=True, help="why; kept in the ledger")
def sync_transfers(store: str, first: datetime, last: datetime, actor: str, reason: str) -> None:
    """Send the transfers, counts and adjustments of a range of dates that are waiting. Repeating it is harmless."""
    if last < first:
        raise click.BadParameter("--to is before --from; name the earlier date first")
    requested = SyncRequested(scope="transfers", first=first.date(), last=last.date(), actor=actor, reason=reason)

    async def run() -> int:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            return await request_sync(ledger.appender, ledger.clock, store, requested)

    click.echo(f"SyncRequested stands at position {asyncio.run(run())}; the service acts on it at once.")
