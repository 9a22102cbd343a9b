"""What an operator says of Jurnal's quota: `jurnalsync quota …`."""

import asyncio
import os

import click
import structlog

from service.cli.decided import ACTOR, REASON
from service.opening import open_ledger_parts
from service.quota import reopen_budget
from service.settings import settings_from
from service.telemetry.logs import LogEvent


@click.group()
def quota() -> None:
    """Tell of a change of Jurnal's package of calls."""


@quota.command(name="reopen")
@click.argument("company_id")
@ACTOR
@REASON
def reopen(company_id: str, actor: str, reason: str) -> None:
    """Send to COMPANY_ID again before the month is over, e.g. because its package was upgraded."""

    async def run() -> bool:
        async with open_ledger_parts(settings_from(os.environ)) as ledger:
            return await reopen_budget(ledger.pool, company_id, await ledger.reader.stores())

    if not asyncio.run(run()):
        raise click.ClickException(
            f"no budget of company {company_id} is closed: nothing is to be done; "
            "`jurnalsync store list` names the companies"
        )
    structlog.get_logger().info(LogEvent.QUOTA_REOPENED, company=company_id, actor=actor, reason=reason)
    click.echo(f"Calls to {company_id} go again. If Jurnal still says that the package is used up, they stop again.")
