"""`python -m ops.bench append|follow|rebuild|intake|verify|import|quota`: each starts its own Postgres."""

import asyncio
import cProfile
import logging
from collections.abc import AsyncIterator, Callable

import click
import structlog
from rich.console import Console

from ops.bench.append import measure_append
from ops.bench.follow import measure_follow
from ops.bench.grow import measure_grown
from ops.bench.import_history import measure_import
from ops.bench.intake import measure_intake
from ops.bench.measure import PROFILE, TABLE_CHARACTERS_MIN, Measurement, as_json, print_shares, print_table
from ops.bench.quota import line_as_json, measure_quota, print_lines
from ops.bench.rebuild import measure_rebuild
from ops.bench.spent import shares
from ops.bench.stand import SERVER_SETTINGS, Stand
from ops.bench.verify import measure_verify
from ops.sandbox.embedded_postgres import EmbeddedPostgres

COMMANDS: dict[str, Callable[[Stand, int], AsyncIterator[Measurement]]] = {
    "append": measure_append,
    "follow": measure_follow,
    "import": measure_import,
    "intake": measure_intake,
    "rebuild": measure_rebuild,
    "verify": measure_verify,
}


@click.command()
@click.argument("command", type=click.Choice(sorted((*COMMANDS, "quota"))))
@click.option("--json", "json_", is_flag=True, help="One object a line instead of a table.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Rounds of each side.")
@click.option("--grow", is_flag=True, help="append only: grow a ledger to 2.5 M facts and measure on it.")
@click.option("--profile", is_flag=True, help="Tell which part of our Python takes how much of its time.")
def main(command: str, *, json_: bool, rounds: int, grow: bool, profile: bool) -> None:
    """Measure ours beside the limit of this machine."""
    if grow and command != "append":
        raise click.UsageError("--grow goes with append")
    if json_ and profile:
        raise click.UsageError("--profile prints words, --json does not")
    if profile and command == "quota":
        raise click.UsageError("--profile goes with what is measured beside a limit")
    with EmbeddedPostgres.start(durable=True, settings=SERVER_SETTINGS) as server:
        if command == "quota":
            asyncio.run(_run_quota(server, json_=json_))
            return
        measure = measure_grown if grow else COMMANDS[command]
        asyncio.run(_run(measure, server, rounds, json_=json_, profile=profile))


async def _run(
    measure: Callable[[Stand, int], AsyncIterator[Measurement]],
    server: EmbeddedPostgres,
    rounds: int,
    *,
    json_: bool,
    profile: bool,
) -> None:
    stand = Stand(server)
    await stand.prepare()
    measured = []
    console = Console(width=max(Console().width, TABLE_CHARACTERS_MIN))
    PROFILE.set(cProfile.Profile() if profile else None)
    async for measurement in measure(stand, rounds):
        measured.append(measurement)
        if (profiled := PROFILE.get()) is not None:
            print_shares(measurement.case, shares(profiled), console)
            PROFILE.set(cProfile.Profile())
        if json_:
            # A reader of the lines may wait for each of them.
            print(as_json(measurement), flush=True)
    if not json_:
        print_table(measured, console)


async def _run_quota(server: EmbeddedPostgres, *, json_: bool) -> None:
    """Measure orders at Jurnal's quota: its lines have goals of their own and no rounds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    stand = Stand(server)
    await stand.prepare()
    lines = []
    async for line in measure_quota(stand):
        lines.append(line)
        if json_:
            print(line_as_json(line), flush=True)
    if not json_:
        print_lines(lines, Console(width=max(Console().width, TABLE_CHARACTERS_MIN)))


if __name__ == "__main__":
    main()
