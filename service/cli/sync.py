"""The Accounting Sync list in a terminal, and what a person decides by it: `jurnalsync sync …`."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import click
import msgspec

from projections.jurnal_commands.decision import RecordKind
from projections.store_settings.queries import read_settings
from projections.sync_status.queries import ListedRecord, Place, Sort, SyncPage, Wanted, read_page
from service.cli.decided import ACTOR, REASON, STORE, dates_in_order, open_store, tell_position
from service.cli.store_list import paused_told
from service.cli.sync_table import show_page
from service.company_waits import read_company_wait
from service.ledger_parts import Ledger
from service.operations import (
    LEFT_COUNTED_MAX,
    RECORDS_A_CALL_MAX,
    Decided,
    NothingToDo,
    OneDecided,
    RetriedMany,
    Scope,
    SyncAsked,
    Word,
)
from service.sync_wording import wording

_DATE = click.DateTime(formats=["%Y-%m-%d"])
_STATUSES = ("Held", "Pending", "Processing", "Success", "Failed", "Skipped", "Superseded")
_KINDS = (*get_args(RecordKind), "stalled")
_FIRST = click.option("--from", "first", required=True, type=_DATE, help="first date of the store, included")
_LAST = click.option("--to", "last", required=True, type=_DATE, help="last date of the store, included")


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters of the list."""
    for option in (
        click.option("--text", help="only with this text in reference, id or reason"),
        click.option("--to", "last", type=_DATE, help="only up to this date of the store"),
        click.option("--from", "first", type=_DATE, help="only from this date of the store on"),
        click.option("--outlet", help="only of this outlet, by its name"),
        click.option("--kind", "kinds", multiple=True, type=click.Choice(_KINDS), help="only of this; may be repeated"),
        click.option(
            "--status", "statuses", multiple=True, type=click.Choice(_STATUSES), help="only these; may be repeated"
        ),
    ):
        command = option(command)
    return command


@click.group()
def sync() -> None:
    """List business documents on their way to Jurnal; retry, skip, or send them by hand."""


@sync.command(name="list")
@STORE
@_filtered
@click.option("--sort", type=click.Choice(get_args(Sort)), default="newest", show_default=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="lines")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line")
def list_records(store: str, sort: Sort, limit: int, *, as_json: bool, **filters: Any) -> None:
    """Show the Accounting Sync list with a plain sentence for each line and what to do about it."""
    wanted = _wanted(**filters)

    async def run() -> tuple[SyncPage, str | None, str | None]:
        async with open_store(store) as ledger:
            page = await read_page(ledger.pool, store, wanted, rows_max=limit, sort=sort, counted=True)
            connection = (await read_settings(ledger.pool, store)).connection
            zone = ZoneInfo("UTC" if connection is None else connection.time_zone)
            paused = await paused_told(ledger, store, zone)
            waits = None if connection is None else await read_company_wait(ledger.pool, connection.company_id, zone)
        return page, paused, waits

    page, paused, waits = asyncio.run(run())
    if as_json:
        for record in page.records:
            click.echo(_as_json(record, paused, waits))
    else:
        show_page(page, paused, waits)


@sync.command(name="retry")
@click.argument("record_id", required=False)
@click.option("--all", "every", is_flag=True, help="every line that the filters find; Failed ones unless --status says")
@STORE
@_filtered
@ACTOR
@REASON
def retry(record_id: str | None, store: str, actor: str, reason: str, *, every: bool, **filters: Any) -> None:
    """Let RECORD_ID go again, or with --all every line that the filters find. It is booked at most once."""
    if every == (record_id is not None):
        raise click.UsageError("name one RECORD_ID, or --all")
    if record_id is not None:
        if any(filters.values()):
            raise click.UsageError("filters go with --all")
        _decide(store, lambda ledger: ledger.operations.retry(store, record_id, Word(actor, reason)))
        return
    _retry_all(store, _wanted(**{**filters, "statuses": filters["statuses"] or ("Failed",)}), Word(actor, reason))


@sync.command(name="skip")
@click.argument("record_id")
@STORE
@ACTOR
@REASON
def skip(record_id: str, store: str, actor: str, reason: str) -> None:
    """Leave RECORD_ID to the person who has seen to it: nothing of it is sent any more."""
    _decide(store, lambda ledger: ledger.operations.skip(store, record_id, Word(actor, reason)))


@sync.command(name="transfers")
@STORE
@_FIRST
@_LAST
@ACTOR
@REASON
def sync_transfers(store: str, first: datetime, last: datetime, actor: str, reason: str) -> None:
    """Send the transfers, counts and adjustments of a range of dates that are waiting. Repeating it is harmless."""
    _request("transfers", store, first, last, Word(actor, reason))


@sync.command(name="sales")
@STORE
@_FIRST
@_LAST
@ACTOR
@REASON
def sync_sales(store: str, first: datetime, last: datetime, actor: str, reason: str) -> None:
    """Send the sales of a range of dates that wait, and read iSeller's orders of it again. Repeating it is harmless."""
    _request("sales", store, first, last, Word(actor, reason))


def _request(scope: Scope, store: str, first: datetime, last: datetime, word: Word) -> None:
    dates_in_order(first, last)

    async def run() -> SyncAsked:
        async with open_store(store) as ledger:
            return await ledger.operations.sync_range(store, scope, first.date(), last.date(), word)

    asked = asyncio.run(run())
    if asked.retried:
        click.echo(f"{asked.retried} records that failed go again; {asked.left} are left: ask again for them.")
    tell_position("SyncRequested", asked.position)


def _decide(store: str, decide: Callable[[Ledger], Any]) -> None:
    async def run() -> OneDecided:
        async with open_store(store) as ledger:
            decided: OneDecided = await decide(ledger)
        return decided

    match asyncio.run(run()):
        case Decided(positions=positions):
            for position in positions:
                tell_position("The decision", position)
        case NothingToDo(detail=detail):
            raise click.ClickException(detail)
        case _:
            raise click.ClickException("the list has no such record; `jurnalsync sync list` names them")


def _retry_all(store: str, wanted: Wanted, word: Word) -> None:
    async def run() -> int:
        after: Place | None = None
        retried = 0
        async with open_store(store) as ledger:
            while True:
                done = await ledger.operations.retry_many(
                    store, wanted, word, after=after, records_max=RECORDS_A_CALL_MAX
                )
                retried += len(done.retried)
                _tell_retried(done)
                if done.next is None:
                    return retried
                after = done.next

    retried = asyncio.run(run())
    shown = (
        "; `jurnalsync sync list` shows what becomes of them"
        if retried
        else ": nothing that was asked for can be retried"
    )
    click.echo(f"{retried} records go again{shown}.")


def _tell_retried(done: RetriedMany) -> None:
    for record_id, why in done.untouched.items():
        click.echo(f"{record_id} is left as it is: {why}", err=True)
    if done.left:
        at_least = "at least " if done.left == LEFT_COUNTED_MAX else ""
        click.echo(f"{len(done.retried)} records, {at_least}{done.left} left", err=True)


def _wanted(
    statuses: tuple[str, ...],
    kinds: tuple[str, ...],
    outlet: str | None,
    first: datetime | None,
    last: datetime | None,
    text: str | None,
) -> Wanted:
    dates_in_order(first, last)
    return Wanted(
        statuses=statuses,
        kinds=kinds,
        outlet=outlet,
        first=None if first is None else first.date(),
        last=None if last is None else last.date(),
        text=text,
    )


def _as_json(record: ListedRecord, paused: str | None, waits: str | None) -> str:
    words = wording(record, paused=paused, waits=waits)
    told = {**msgspec.structs.asdict(record), "reason": words.reason, "what_to_do": words.what_to_do}
    return msgspec.json.Encoder(decimal_format="string").encode(told).decode()
