"""What an operator decides, as facts with name and reason: `jurnalsync stream …` and `jurnalsync command …`."""

import asyncio
import os
from uuid import uuid4

import click

from eventstore.event import Appended, NewFact
from eventstore.facts.operators import CommandParked, CommandReleased, OperatorFact, StreamFactSkipped, StreamRetried
from eventstore.facts.registry import encode
from service.settings import settings_from
from service.wiring import open_ledger_parts

_STORE = click.option("--store", required=True, help="the store it is about")
_ACTOR = click.option("--actor", required=True, help="who decides this; kept in the ledger")
_REASON = click.option("--reason", required=True, help="why; kept in the ledger")


@click.group()
def stream() -> None:
    """Let a stalled stream go on."""


@stream.command(name="retry")
@click.argument("stream_id")
@_STORE
@_ACTOR
@_REASON
def retry_stream(stream_id: str, store: str, actor: str, reason: str) -> None:
    """Fold STREAM_ID again from the fact it waits at, e.g. after an upgrade that can read it."""
    _append(store, stream_id, StreamRetried(actor=actor, reason=reason))


@stream.command(name="skip")
@click.argument("stream_id")
@click.argument("position", type=click.IntRange(1))
@_STORE
@_ACTOR
@_REASON
def skip_fact(stream_id: str, position: int, store: str, actor: str, reason: str) -> None:
    """Leave out the fact at POSITION, at which STREAM_ID waits. The fact itself stays in the ledger."""
    _append(store, stream_id, StreamFactSkipped(position=position, actor=actor, reason=reason))


@click.group()
def command() -> None:
    """Hold a command back, or let a parked or refused one go."""


@command.command(name="park")
@click.argument("command_id")
@_STORE
@_ACTOR
@_REASON
def park_command(command_id: str, store: str, actor: str, reason: str) -> None:
    """Keep COMMAND_ID from being sent until it is released."""
    _append(store, f"command-{command_id}", CommandParked(command_id=command_id, actor=actor, reason=reason))


@command.command(name="release")
@click.argument("command_id")
@_STORE
@_ACTOR
@_REASON
def release_command(command_id: str, store: str, actor: str, reason: str) -> None:
    """Let COMMAND_ID go again. It is looked up in Jurnal first, so it is booked at most once."""
    _append(store, f"command-{command_id}", CommandReleased(command_id=command_id, actor=actor, reason=reason))


def _append(store_id: str, stream_id: str, decided: OperatorFact) -> None:
    async def run() -> int:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            name, version, body = encode(decided)
            fact = NewFact(
                stream_id=stream_id,
                type=name,
                schema_version=version,
                source_id=f"operator:{uuid4()}",
                observed_at=ledger.clock.now(),
                body=body,
            )
            (result,) = await ledger.appender.append(store_id, [fact])
        assert isinstance(result, Appended)
        return result.position

    click.echo(f"{type(decided).__name__} stands at position {asyncio.run(run())}; the service acts on it at once.")
