"""`jurnalsync serve`: start, run until told to stop, stop in order."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack

import click
import structlog
from aiohttp import web

from service.garbage import settled
from service.settings import Settings
from service.telemetry.logs import LogEvent
from service.wiring import VERSION, open_service


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; then readiness off, no new requests, steps finished, leases given up.

    Raises `ClickException` if an address cannot be listened on.
    """
    log = structlog.get_logger()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service(settings))
        stack.enter_context(settled())
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, stop.set)
        operations = await _listen(
            service.operations, settings.operations_host, settings.operations_port, "JURNALSYNC_OPERATIONS_PORT"
        )
        public = await _listen(service.public, settings.listen_host, settings.listen_port, "JURNALSYNC_LISTEN_PORT")
        log.info(LogEvent.SERVICE_STARTED, version=VERSION, port=settings.listen_port)
        loops = asyncio.create_task(service.loops.run())
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait((loops, waiting), return_when=asyncio.FIRST_COMPLETED)
        service.draining.on = True
        await public.cleanup()
        service.loops.stop()
        async with asyncio.timeout(settings.shutdown_seconds_max):
            await loops
        waiting.cancel()
        await operations.cleanup()
        log.info(LogEvent.SERVICE_STOPPED)


async def _listen(app: web.Application, host: str, port: int, setting: str) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise click.ClickException(
            f"cannot listen on {host}:{port}: {reason}. {setting} chooses another port."
        ) from error
    return runner
