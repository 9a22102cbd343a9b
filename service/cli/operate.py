"""What an operator decides of streams, commands and stores, as facts: `jurnalsync stream …`, `command …`, `store …`."""

import asyncio
import os

import click
from rich.table import Table

from eventstore.facts.operators import CommandParked, CommandReleased, StreamFactSkipped, StreamRetried
from projections.jurnal_commands.queue import stream_of_command
from projections.sync_status.queries import read_stalls
from service.cli.decided import ACTOR, REASON, STORE, open_store, tell_position
from service.cli.store_list import listed_stores, show_stores
from service.opening import open_ledger_parts
from service.operations import Word
from service.settings import settings_from


@click.group()
def stream() -> None:
    """Let a stalled stream go on."""


@stream.command(name="retry")
@click.argument("stream_id")
@STORE
@ACTOR
@REASON
def retry_stream(stream_id: str, store: str, actor: str, reason: str) -> None:
    """Fold STREAM_ID again from the fact it waits at, e.g. after an upgrade that can read it."""
    _tell_stream(store, stream_id, StreamRetried(actor=actor, reason=reason))


@stream.command(name="skip")
@click.argument("stream_id")
@click.argument("position", type=click.IntRange(1))
@STORE
@ACTOR
@REASON
def skip_fact(stream_id: str, position: int, store: str, actor: str, reason: str) -> None:
    """Leave out the fact at POSITION, at which STREAM_ID waits. The fact itself stays in the ledger."""
    _tell_stream(store, stream_id, StreamFactSkipped(position=position, actor=actor, reason=reason))


@click.group()
def command() -> None:
    """Hold a command back, or let a parked or refused one go."""


@command.command(name="park")
@click.argument("command_id")
@STORE
@ACTOR
@REASON
def park_command(command_id: str, store: str, actor: str, reason: str) -> None:
    """Keep COMMAND_ID from being sent until it is released."""
    _tell_document(store, CommandParked(command_id=command_id, actor=actor, reason=reason))


@command.command(name="release")
@click.argument("command_id")
@STORE
@ACTOR
@REASON
def release_command(command_id: str, store: str, actor: str, reason: str) -> None:
    """Let COMMAND_ID go again. It is looked up in Jurnal first, so it is booked at most once."""
    _tell_document(store, CommandReleased(command_id=command_id, actor=actor, reason=reason))


@click.group()
def store() -> None:
    """See which stores send; stop sending to Jurnal for a while, and go on."""


@store.command(name="list")
def list_stores() -> None:
    """Show each store: its Jurnal company, Live Mode, whether it sends and if not why, and its list by status."""

    async def run() -> Table:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            return await listed_stores(ledger)

    show_stores(asyncio.run(run()))


@store.command(name="pause")
@STORE
@ACTOR
@REASON
def pause_store(store: str, actor: str, reason: str) -> None:
    """Send nothing for the store until it is resumed. What comes in is kept; what may have been sent is looked up."""

    async def run() -> int:
        async with open_store(store) as ledger:
            return await ledger.operations.pause(store, Word(actor, reason))

    tell_position("StorePaused", asyncio.run(run()))


@store.command(name="resume")
@STORE
@ACTOR
@REASON
def resume_store(store: str, actor: str, reason: str) -> None:
    """Go on sending where the store was paused, or where it froze after a restore."""

    async def run() -> int:
        async with open_store(store) as ledger:
            if await ledger.operations.pause_stands_at(store) is None:
                raise click.ClickException(f"store {store} is not paused: nothing is to be done")
            return await ledger.operations.resume(store, Word(actor, reason))

    tell_position("StoreResumed", asyncio.run(run()))


def _tell_stream(store_id: str, stream_id: str, decided: StreamRetried | StreamFactSkipped) -> None:
    """Append a word on a stream that waits: nothing else listens to it, so of another one it would be lost."""

    async def run() -> int:
        async with open_store(store_id) as ledger:
            waits_at = await read_stalls(ledger.pool, store_id, stream_id)
            if not waits_at:
                raise click.BadParameter(
                    f"no stream {stream_id} of store {store_id} waits; "
                    "`jurnalsync sync list --kind stalled` shows those that do, as the reference",
                    param_hint="STREAM_ID",
                )
            if isinstance(decided, StreamFactSkipped) and decided.position not in waits_at:
                positions = " and ".join(map(str, waits_at))
                raise click.BadParameter(f"stream {stream_id} waits at position {positions}", param_hint="POSITION")
            return await ledger.operations.append(store_id, stream_id, decided)

    tell_position(type(decided).__name__, asyncio.run(run()))


def _tell_document(store_id: str, decided: CommandParked | CommandReleased) -> None:
    """Append a word on a command in the stream of its document, where a retry puts it too: it may be planned anew."""

    async def run() -> int:
        async with open_store(store_id) as ledger:
            stream_id = await stream_of_command(ledger.pool, store_id, decided.command_id)
            if stream_id is None:
                raise _unknown(store_id, decided.command_id)
            return await ledger.operations.append(store_id, stream_id, decided)

    tell_position(type(decided).__name__, asyncio.run(run()))


def _unknown(store_id: str, command_id: str) -> click.BadParameter:
    return click.BadParameter(
        f"store {store_id} has no command {command_id}. A command's id is its document's custom_id in Jurnal; "
        "`jurnalsync sync retry` and `sync skip` take the lines of `jurnalsync sync list` instead",
        param_hint="COMMAND_ID",
    )
