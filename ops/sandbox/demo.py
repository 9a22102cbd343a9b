"""`./run`: the help article, live. `python -m ops.sandbox.demo --help` explains the options."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import click

from ops.sandbox.demo_accountant import JurnalRefused
from ops.sandbox.demo_folder import FolderInUse
from ops.sandbox.demo_house import House
from ops.sandbox.demo_live_screen import LiveScreen
from ops.sandbox.demo_options import DemoOptions
from ops.sandbox.demo_process import ServiceFailed
from ops.sandbox.demo_report import Report
from ops.sandbox.demo_screen import PlainScreen, Screen
from ops.sandbox.demo_service_api import ApiUnreachable
from ops.sandbox.demo_settle import NotReached
from ops.sandbox.demo_story import Story
from ops.sandbox.demo_words import addresses, told
from ops.sandbox.postgres_binaries import PostgresStartError
from ops.sandbox.scenario import KOPI_NUSANTARA
from ops.sandbox.scenario_everything import everything

_EXPECTED_FAILURES = (ApiUnreachable, FolderInUse, JurnalRefused, NotReached, PostgresStartError, ServiceFailed)
_INTERRUPTED = 130
_PUT_AWAY = "Stopped: the service has ended, Postgres is down, the demo's files are gone unless --data keeps them."


@click.command(context_settings={"max_content_width": 110})
@click.option("--once", is_flag=True, help="End when all is settled and the report is printed.")
@click.option("--json", "as_json", is_flag=True, help="Progress to stderr, the report as one JSON line to stdout.")
@click.option("--orders", default=200, show_default=True, type=click.IntRange(1, 10_000), help="Orders in three days.")
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same days.")
@click.option("--everything", is_flag=True, help="All business processes, told out of order, twice, and late.")
@click.option("--body", default="full", show_default=True, type=click.Choice(["full", "thin"]), help="Order webhooks.")
@click.option(
    "--quota",
    default="raised",
    show_default=True,
    type=click.Choice(["raised", "documented"]),
    help="Jurnal's quota; the documented one makes 200 orders last a quarter of an hour.",
)
@click.option("--stop-after-transfer-start", is_flag=True, help="Stop while 5 pieces are in transit.")
@click.option("--kill-service-once", is_flag=True, help="SIGKILL the service in the middle and start it again.")
@click.option(
    "--lose-webhooks",
    default=0.0,
    type=click.FloatRange(0, 1),
    help="Share of webhooks lost: Order, Fulfillment and Refund for good, Payout and Member until the retry.",
)
@click.option("--outage", is_flag=True, help="The service is down for two hours of the shop's last day.")
@click.option("--jurnal-outage", is_flag=True, help="Jurnal answers 503 for a while, before and after its work.")
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="A new folder that keeps database, keys and log."
)
@click.option("--postgres", "postgres_major", default="18", type=click.Choice(["16", "18"]), help="Embedded version.")
def main(**given: object) -> None:
    """Show an iSeller store being booked in Jurnal, from Live Mode to profit and loss.

    DATABASE_URL uses that server instead of the embedded Postgres: a new database, dropped at the end.
    """
    # click has checked every value against the option's own type.
    options = DemoOptions(
        **{**given, "postgres_major": int(str(given["postgres_major"]))},  # type: ignore[arg-type]
        server_url=os.environ.get("DATABASE_URL"),
        watched=not given["once"] and not given["as_json"] and sys.stdout.isatty(),
    )
    try:
        code = asyncio.run(_run(options))
    except KeyboardInterrupt:
        # Before the demo could ask for the signal itself.
        code = _INTERRUPTED
    sys.exit(code)


async def _run(options: DemoOptions) -> int:
    _cancel_on_signals()
    screen = _screen(options)
    try:
        return await _demo(options, screen)
    except _EXPECTED_FAILURES as error:
        screen.close()
        print(f"The demo cannot go on: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        screen.close()
        print(_PUT_AWAY, file=sys.stderr)
        return _INTERRUPTED
    finally:
        screen.close()


async def _demo(options: DemoOptions, screen: Screen) -> int:
    scenario = everything(options.seed) if options.everything else KOPI_NUSANTARA
    async with House(options, scenario) as house:
        report = await Story(house, screen).tell()
        code = 1 if report.problems else 0
        screen.close()
        _print(report, options)
        if not options.once:
            print(addresses(house), flush=True)
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            print("Stopping …", file=sys.stderr, flush=True)
        await house.service.stop()
    if not options.once:
        print(_PUT_AWAY, file=sys.stderr)
    return code


def _cancel_on_signals() -> None:
    running, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert running is not None
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop() -> None:
        # A second Ctrl-C must not interrupt the putting away.
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        running.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)


def _print(report: Report, options: DemoOptions) -> None:
    if options.as_json:
        print(report.as_json(), flush=True)
    else:
        told(report)


def _screen(options: DemoOptions) -> Screen:
    if options.as_json or not sys.stdout.isatty():
        return PlainScreen()
    return LiveScreen()


if __name__ == "__main__":
    main()
