"""The ledger compared with Jurnal, and what a person asks to be repaired: `jurnalsync reconcile`."""

import asyncio
import os
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.table import Table
from rich.text import Text

from projections.differences.queries import Listed, list_of_days
from projections.store_settings.queries import read_settings
from service.asking import open_calls
from service.cli.decided import STORE, dates_in_order, open_store
from service.cli.shown import new_table, rupiah, show_table
from service.comparison import Asked, Compared, Comparison, ComparisonStopped
from service.difference_wording import what_happened, what_to_do
from service.jurnal_calls import Company
from service.ledger_parts import Ledger
from service.operations import Word
from service.repair import repair
from service.settings import settings_from

_DATE = click.DateTime(formats=["%Y-%m-%d"])
_FOLD_SECONDS_MAX = 60
_TOLD_MAX = 1_000
_JSON = msgspec.json.Encoder(decimal_format="string")


class NotFolded(click.ClickException):
    """The service must fold what was found before anything is shown of it or repaired."""

    def __init__(self) -> None:
        super().__init__("the ledger is not folded to its end; start the service (`jurnalsync serve`), then ask again")


@click.command(name="reconcile")
@STORE
@click.option("--from", "first", required=True, type=_DATE, help="first date of the store, included")
@click.option("--to", "last", required=True, type=_DATE, help="last date of the store, included")
@click.option(
    "--repair",
    "is_repair",
    is_flag=True,
    help="delete proven duplicates and send again what is missing; without it, it is only said",
)
@click.option("--actor", help="who decides to repair; kept in the ledger")
@click.option("--reason", help="why; kept in the ledger")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line: the differences, then the summary")
def reconcile(
    store: str,
    first: datetime,
    last: datetime,
    actor: str | None,
    reason: str | None,
    *,
    is_repair: bool,
    as_json: bool,
) -> None:
    """Compare the business of a range of dates with Jurnal; exit code 1 if something differs that nobody accepted.

    Each difference is kept in the ledger, with what to do about it. Its calls leave those of today's sales their
    place, so a long range takes a while.
    """
    dates_in_order(first, last)
    if is_repair and (actor is None or reason is None):
        raise click.UsageError("--repair needs --actor and --reason: both are kept in the ledger")
    word = Word(actor or "", reason or "")

    async def run() -> tuple[Compared, list[Listed], tuple[Listed, ...]]:
        async with open_store(store) as ledger:
            compared = await _compared(ledger, store, first.date(), last.date())
            await until_folded(ledger, store)
            asked: tuple[Listed, ...] = ()
            if is_repair:
                asked = await repair(ledger.pool, ledger.operations, store, first.date(), last.date(), word)
                await until_folded(ledger, store)
            stands = await list_of_days(ledger.pool, store, first.date(), last.date(), rows_max=_TOLD_MAX)
            return compared, stands, asked

    compared, stands, asked = asyncio.run(run())
    (_tell_json if as_json else _show)(compared, stands, asked)
    if any(not each.accepted_at for each in stands):
        sys.exit(1)


async def _compared(ledger: Ledger, store: str, first: date, last: date) -> Compared:
    connection = (await read_settings(ledger.pool, store)).connection
    if connection is None:
        raise click.ClickException(f"store {store} is not connected to Jurnal: jurnalsync setup apply store.toml")
    asked = Asked(
        store_id=store,
        company=Company(connection.company_id, store),
        zone=ZoneInfo(connection.time_zone),
        first=first,
        last=last,
    )
    await until_folded(ledger, store)
    async with open_calls(settings_from(os.environ), ledger) as calls:
        comparison = Comparison(ledger.pool, ledger.queue, calls, ledger.reconciliation, ledger.people, asked)
        try:
            while comparison.result is None:
                waits = await comparison.step()
                if waits is not None:
                    click.echo(f"{waits.reason}; waiting until {waits.free_at:%H:%M:%S} UTC", err=True)
                    await asyncio.sleep(max(0.5, (waits.free_at - ledger.clock.now()).total_seconds()))
        except ComparisonStopped as stopped:
            raise click.ClickException(f"nothing was concluded, for Jurnal does not answer: {stopped}") from stopped
    return comparison.result


async def until_folded(ledger: Ledger, store: str) -> None:
    """Wait until the service has folded what stands in the ledger now."""
    end = await ledger.queue.ledger_end(store)
    for _ in range(_FOLD_SECONDS_MAX * 2):
        if await ledger.folded(store) >= end:
            return
        await asyncio.sleep(0.5)
    raise NotFolded


def _tell_json(compared: Compared, stands: list[Listed], asked: tuple[Listed, ...]) -> None:
    for each in stands:
        told = {**msgspec.structs.asdict(each), "what_happened": what_happened(each), "what_to_do": what_to_do(each)}
        click.echo(_JSON.encode(told).decode())
    summary = {
        **msgspec.structs.asdict(compared.reconciled),
        "new": len(compared.new),
        "accepted": sum(each.accepted_at > 0 for each in stands),
        "resolved": compared.resolved,
        "frozen": compared.frozen,
        "repairs": [each.difference_id for each in asked],
    }
    click.echo(_JSON.encode(summary).decode())


def _show(compared: Compared, stands: list[Listed], asked: tuple[Listed, ...]) -> None:
    """Print the differences with both sides, and what else is to be known of the range."""
    if stands:
        show_table(_table(stands))
    told = compared.reconciled
    accepted = sum(each.accepted_at > 0 for each in stands)
    and_accepted = f", {accepted} of which are accepted" if accepted else ""
    click.echo(
        f"{told.compared:,} documents of {told.first} to {told.last} compared; {len(stands)} differ{and_accepted}."
    )
    for kind in told.foreign:
        amount = rupiah(kind.amount)
        click.echo(f"Not ours: {kind.documents:,} {kind.resource.replace('_', ' ')}, Rp {amount}.")
    for lines in told.not_booked:
        why = f": {lines.reason}" if lines.reason else ""
        click.echo(f"Not booked: {lines.records:,} lines are {lines.status}{why}")
    if told.not_listed:
        click.echo(f"Jurnal lists no {', '.join(told.not_listed)}: a second one cannot be seen there.")
    if compared.resolved:
        click.echo(f"{compared.resolved:,} differences of before are gone.")
    if compared.frozen:
        click.echo("The store is frozen: Jurnal has documents that this ledger never sent (`jurnalsync store resume`).")
    if asked:
        click.echo(f"{len(asked):,} repairs are asked for; `jurnalsync sync list` shows what becomes of them.")


def _table(stands: list[Listed]) -> Table:
    table = new_table("Kind", "Document", "Date", "Rp in the ledger", "Rp in Jurnal", "What happened and what to do")
    for each in stands:
        number = each.transaction_no or str(each.jurnal_id)
        amounts = (rupiah(each.ledger_amount), rupiah(each.jurnal_amount))
        cells = (each.kind, number, each.business_date.isoformat(), *amounts)
        how = (
            ""
            if each.accepted_at or each.repair_at
            else f". As it should be: `differences accept {each.difference_id}`"
        )
        table.add_row(*map(Text, cells), Text(f"{what_happened(each)}. {what_to_do(each)}{how}"))
    return table
