"""What stands between a store and Live Mode: `jurnalsync preflight`."""

import asyncio
import os
import sys

import click

from service.asking import open_asking
from service.preflight_finding import Finding, blocking
from service.settings import settings_from
from service.wiring import open_ledger_parts


@click.command()
@click.option("--store", required=True, help="the store it is about")
def preflight(store: str) -> None:
    """List everything that would fail, with what to do; exit code 1 if a problem keeps Live Mode off."""

    async def run() -> list[Finding]:
        settings = settings_from(os.environ)
        async with open_ledger_parts(settings) as ledger, open_asking(settings, ledger) as asking:
            return await asking.preflight.check(store)

    findings = asyncio.run(run())
    problems = blocking(findings)
    for finding in sorted(findings, key=lambda each: not each.blocks):
        word = "problem" if finding.blocks else "notice"
        click.echo(f"{word} {finding.check}: {finding.problem}\n    {finding.what_to_do}")
    if problems:
        click.echo(f"Store {store}: {len(problems)} problems keep Live Mode off.")
        sys.exit(1)
    click.echo(f"Store {store}: nothing keeps Live Mode off.")
