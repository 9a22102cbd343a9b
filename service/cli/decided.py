"""What commands that decide something share: who, why, and where the decision stands."""

import click

STORE = click.option("--store", required=True, help="the store it is about")
ACTOR = click.option("--actor", required=True, help="who decides this; kept in the ledger")
REASON = click.option("--reason", required=True, help="why; kept in the ledger")


def tell_position(what: str, position: int) -> None:
    """Say where a decision stands."""
    click.echo(f"{what} stands at position {position}; the service acts on it at once.")
