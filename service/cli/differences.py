"""What a person says of differences that a comparison found: `jurnalsync differences accept`."""

import asyncio

import click

from service.accepting import CannotAccept, accept
from service.cli.decided import ACTOR, REASON, STORE, open_store
from service.cli.reconcile import until_folded
from service.operations import Word


@click.group(name="differences")
def differences() -> None:
    """Differences between the ledger and Jurnal that a comparison found."""


@differences.command(name="accept")
@STORE
@ACTOR
@REASON
@click.argument("difference_ids", metavar="ID...", nargs=-1, required=True)
def accept_differences(store: str, actor: str, reason: str, difference_ids: tuple[str, ...]) -> None:
    """Accept differences as they stand, by the ids that `jurnalsync reconcile` shows: all of them or none.

    What is accepted counts no more, is never repaired, and nothing is sent for it. It comes up again when Jurnal or the
    ledger changes further.
    """

    async def run() -> int:
        async with open_store(store) as ledger:
            await until_folded(ledger, store)
            accepted = await accept(ledger.pool, ledger.operations, store, difference_ids, Word(actor, reason))
            await until_folded(ledger, store)
            return len(accepted)

    try:
        accepted = asyncio.run(run())
    except CannotAccept as refused:
        raise click.ClickException(f"nothing was accepted: {refused}") from refused
    click.echo(f"{accepted} of {len(difference_ids)} are accepted now; the others were before.")
