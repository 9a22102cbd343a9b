"""Start the sandbox iSeller alone: a generated shop, reads on a port, webhooks to a service."""

import asyncio
from datetime import UTC, datetime

import click
from aiohttp import ClientSession, web

from ops.sandbox.iseller.server import IsellerSandbox
from ops.sandbox.iseller.settings import IsellerSettings
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.scenario import KOPI_NUSANTARA
from ops.sandbox.traffic import apply, generate


def _now() -> datetime:
    return datetime.now(UTC)


@click.command()
@click.option("--port", default=8481, show_default=True, help="where the reads are served, on 127.0.0.1")
@click.option("--service-url", default="http://127.0.0.1:8480", show_default=True, help="where webhooks go")
@click.option("--orders", default=50, show_default=True, help="how many orders the shop has")
@click.option("--seed", default=1, show_default=True, help="same seed, same shop")
@click.option("--body", default="full", type=click.Choice(["full", "thin"]), help="the order webhook's body")
def main(port: int, service_url: str, orders: int, seed: int, body: str) -> None:
    """Serve a made-up iSeller store until Ctrl-C."""
    settings = IsellerSettings(
        store=KOPI_NUSANTARA.store,
        api_key="sandbox-api-key",
        client_id="sandbox-client",
        client_secret="sandbox-secret",  # noqa: S106 - the made-up store's own
        service_url=service_url,
        body="thin" if body == "thin" else "full",
        seed=seed,
    )
    asyncio.run(_serve(settings, port, orders))


async def _serve(settings: IsellerSettings, port: int, orders: int) -> None:
    shop = Shop(KOPI_NUSANTARA, _now)
    sandbox = IsellerSandbox(settings, shop, _now)
    today = _now().astimezone(KOPI_NUSANTARA.time_zone).date()
    for event in generate(KOPI_NUSANTARA, settings.seed, orders, today).events:
        apply(event, shop)
    runner = web.AppRunner(sandbox.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(f"iSeller store {settings.store} on http://127.0.0.1:{port}, webhooks to {settings.service_url}")
    try:
        async with ClientSession() as session:
            await sandbox.run_delivery(session, asyncio.Event())
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    main()
