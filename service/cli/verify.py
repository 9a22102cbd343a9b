"""`jurnalsync verify`: walks the hash chain and says where it breaks, if it does."""

import click

from eventstore.store import LedgerReader
from eventstore.verify import Broken, verify_ledger
from service.cli.progress import ledger_progress


async def verify_stores(reader: LedgerReader, store_id: str | None, *, first: int, last: int | None) -> bool:
    """Verify one store or all; print one line each and return whether all are whole."""
    whole = True
    for each in [store_id] if store_id is not None else await reader.stores():
        end = (await reader.head(each)).position
        if first > max(1, end):
            # Not broken, and not proven either: who asks for a range wants to know that it is there.
            whole = False
            click.echo(f"{each}: its ledger ends at position {end}; there is nothing to verify from {first} on")
            continue
        with ledger_progress(f"{each} verify") as on_progress:
            result = await verify_ledger(reader, each, first=first, last=last, on_progress=on_progress)
        if isinstance(result, Broken):
            whole = False
            click.echo(f"{each}: BROKEN at position {result.position}: {result.reason}")
        else:
            click.echo(f"{each}: {result.facts} facts, chain whole, hash at its end {result.head_hash.hex()}")
    return whole
