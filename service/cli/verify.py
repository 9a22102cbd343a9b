"""`jurnalsync verify`: walks the hash chain and says where it breaks, if it does."""

import click

from eventstore.store import LedgerReader
from eventstore.verify import Broken, verify_ledger


async def verify_stores(reader: LedgerReader, store_id: str | None) -> bool:
    """Verify one store or all; print one line each and return whether all are whole."""
    whole = True
    for each in [store_id] if store_id is not None else await reader.stores():
        result = await verify_ledger(reader, each)
        if isinstance(result, Broken):
            whole = False
            click.echo(f"{each}: BROKEN at position {result.position}: {result.reason}")
        else:
            click.echo(f"{each}: {result.facts} facts, chain whole, head {result.head_hash.hex()}")
    return whole
