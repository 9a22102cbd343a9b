"""All stores at a glance: which one is live, which one sends, and how its list stands. `jurnalsync store list`."""

from zoneinfo import ZoneInfo

import click
import msgspec
from rich.table import Table
from rich.text import Text

from projections.store_settings.queries import read_settings
from projections.sync_status.queries import count_records
from service.cli.shown import new_table, show_table
from service.cli.sync_table import counts_told
from service.company_waits import read_company_wait, read_is_led, told_at
from service.ledger_parts import Ledger
from service.sync_wording import paused_words


class _Shown(msgspec.Struct, frozen=True):
    store: str
    company: str
    live: str
    sending: str
    counts: str


async def listed_stores(ledger: Ledger) -> Table:
    """Return a line a store."""
    table = new_table("Store", "Company", "Live Mode", "Sending to Jurnal", "Accounting Sync")
    for store_id in sorted(await ledger.reader.stores()):
        table.add_row(*map(Text, msgspec.structs.astuple(await _shown(ledger, store_id))))
    return table


def show_stores(table: Table) -> None:
    """Print them, or what makes the first one."""
    if table.row_count:
        show_table(table)
    else:
        click.echo("No stores: `jurnalsync setup apply` connects one.")


async def _shown(ledger: Ledger, store_id: str) -> _Shown:
    settings = await read_settings(ledger.pool, store_id)
    counts = counts_told(await count_records(ledger.pool, store_id))
    if settings.connection is None:
        return _Shown(store_id, "", "", "not connected", counts)
    zone = ZoneInfo(settings.connection.time_zone)
    company = settings.connection.company_id
    paused = await paused_told(ledger, store_id, zone)
    waits: str | None
    if settings.live_mode is None:
        waits = "no: not before Live Mode"
    elif await read_is_led(ledger.pool, company):
        waits = await read_company_wait(ledger.pool, company, zone)
    else:
        waits = "no: no replica has the company; does one run, and is its clock right?"
    return _Shown(
        store=store_id,
        company=company,
        live="off" if settings.live_mode is None else "on",
        sending=f"paused {paused}" if paused is not None else waits or "yes",
        counts=counts,
    )


async def paused_told(ledger: Ledger, store_id: str, zone: ZoneInfo) -> str | None:
    """Return since when (in `zone`), by whom and why a store is paused; None while it sends."""
    paused = await ledger.operations.paused(store_id)
    if paused is None:
        return None
    return f"since {told_at(paused.since, zone)} {paused_words(paused.actor, paused.reason)}"
