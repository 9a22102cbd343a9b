"""Run the sandbox alone: python -m ops.sandbox.jurnal --port 8791 --client-id demo --client-secret-file FILE."""

from pathlib import Path

import click
from aiohttp import web

from ops.sandbox.jurnal.server import JurnalSandbox
from ops.sandbox.jurnal.settings import Consumer, SandboxSettings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, required=True)
@click.option("--client-id", required=True)
@click.option("--client-secret-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--quota", type=click.Choice(["documented", "none"]), default="documented", show_default=True)
def main(host: str, port: int, client_id: str, client_secret_file: Path, quota: str) -> None:
    """Serve one company until interrupted."""
    secret = client_secret_file.read_text(encoding="utf-8").strip()
    if quota == "none":
        consumer = Consumer(client_id=client_id, client_secret=secret, limit_minute=None, limit_hour=None)
        settings = SandboxSettings(consumers=(consumer,), address_limit_minute=None, address_limit_hour=None)
    else:
        settings = SandboxSettings(consumers=(Consumer(client_id=client_id, client_secret=secret),))
    web.run_app(JurnalSandbox(settings).app(), host=host, port=port, print=None)


if __name__ == "__main__":
    main()
