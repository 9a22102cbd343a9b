"""What stands between a store and Live Mode: `jurnalsync preflight`."""

import asyncio
import os
import sys

import click

from service.asking import open_asking
from service.opening import open_ledger_parts
from service.preflight_finding import Finding, blocking
from service.preflight_names import QUOTA
from service.settings import settings_from

_QUOTA_WAIT_SECONDS = 60
_QUOTA_WAITS_MAX = 60


@click.command()
@click.option("--store", required=True, help="the store it is about")
def preflight(store: str) -> None:
    """List everything that would fail, with what to do; exit code 1 if a problem keeps Live Mode off."""

    async def run() -> list[Finding]:
        settings = settings_from(os.environ)
        async with open_ledger_parts(settings) as ledger, open_asking(settings, ledger) as asking:
            findings = await asking.preflight.check(store)
            # What was looked up is remembered: a long list of products goes on where the quota stopped it.
            for _ in range(_QUOTA_WAITS_MAX):
                if not any(finding.subject == QUOTA and finding.check == "jurnal" for finding in findings):
                    break
                click.echo("The quota for calls to Jurnal is spent; waiting for a minute.", err=True)
                await asyncio.sleep(_QUOTA_WAIT_SECONDS)
                findings = await asking.preflight.check(store)
            return findings

    findings = asyncio.run(run())
    problems = blocking(findings)
    for finding in sorted(findings, key=lambda each: not each.blocks):
        word = "problem" if finding.blocks else "notice"
        click.echo(f"{word} {finding.check}: {finding.problem}\n    {finding.what_to_do}")
    if problems:
        click.echo(f"Store {store}: {len(problems)} problems keep Live Mode off.")
        sys.exit(1)
    click.echo(f"Store {store}: nothing keeps Live Mode off.")
