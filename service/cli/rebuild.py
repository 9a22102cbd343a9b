"""`jurnalsync rebuild`: folds a projection again beside the running service, and swaps it in."""

import asyncio
import getpass

import click

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.event import NewFact
from eventstore.facts.operators import CommandParked
from eventstore.facts.registry import encode
from projections.projection import Projection
from projections.rebuild import Rebuilder, Rebuilt
from service.cli.progress import ledger_progress

_SWAP_TRIES_MAX = 60
_SWAP_WAIT_SECONDS = 0.5


async def rebuild_store(
    rebuilder: Rebuilder, appender: Appender, clock: Clock, store_id: str, projection: Projection, *, check: bool
) -> bool:
    """Rebuild one projection of one store, telling progress and differences; True if rows were as they should be."""
    with ledger_progress(f"{store_id} {projection.name}") as on_progress:
        await rebuilder.fold(store_id, projection, on_progress)
    if check:
        result = await rebuilder.compare(store_id, projection)
    else:
        result = await _swap(rebuilder, appender, clock, store_id, projection)
    _tell(store_id, projection, result)
    return not result.differences


async def _swap(
    rebuilder: Rebuilder, appender: Appender, clock: Clock, store_id: str, projection: Projection
) -> Rebuilt:
    """Swap; commands that a changed rule makes for old facts are parked by a fact of their own before it."""
    for _ in range(_SWAP_TRIES_MAX):
        result = await rebuilder.swap(store_id, projection)
        if result.swapped:
            return result
        await appender.append(store_id, [_parked(command_id, clock) for command_id in result.appeared])
        await asyncio.sleep(_SWAP_WAIT_SECONDS)  # until the live projection has folded them too
    raise click.ClickException("the parked commands were not folded in time; is the service running?")


def _parked(command_id: str, clock: Clock) -> NewFact:
    name, version, body = encode(
        CommandParked(command_id=command_id, actor=getpass.getuser(), reason="A changed rule made it after the fact")
    )
    return NewFact(
        stream_id=f"command-{command_id}",
        type=name,
        schema_version=version,
        source_id=f"parked:{command_id}:rebuild",
        observed_at=clock.now(),
        body=body,
    )


def _tell(store_id: str, projection: Projection, result: Rebuilt) -> None:
    for difference in result.differences:
        click.echo(f"{difference.table} {difference.side}: {difference.row}")
    for command_id in result.appeared:
        click.echo(f"command {command_id} would be new; it is parked until it is released")
    for command_id in result.vanished:
        click.echo(f"command {command_id} would not be made any more")
    outcome = "swapped in" if result.swapped else "checked"
    click.echo(
        f"{store_id} {projection.name}: {result.facts} facts, {len(result.differences)} differing rows, {outcome}"
    )
