"""What brings products into Jurnal: `jurnalsync products import`."""

import asyncio
import os

import click
import msgspec

from service.asking import open_asking
from service.iseller.envelope import IsellerError
from service.jurnal_calls import CredentialMissing
from service.opening import open_ledger_parts
from service.product_import import ProductImport
from service.product_import_plan import ImportPlan
from service.settings import settings_from
from service.setup_error import SetupError


@click.group()
def products() -> None:
    """Bring products into Jurnal."""


@products.command(name="import")
@click.option("--store", required=True, help="the store it is about")
@click.option(
    "--with-stock", is_flag=True, help="with what the outlets have, at the buying price; before Live Mode only"
)
@click.option("--dry-run", is_flag=True, help="only tell what would be made")
@click.option("--actor", required=True, help="who decides this; kept in the ledger")
@click.option("--reason", required=True, help="why; kept in the ledger")
def import_products(store: str, actor: str, reason: str, *, with_stock: bool, dry_run: bool) -> None:
    """Make in Jurnal every product of iSeller whose SKU Jurnal has not; asking again makes nothing twice.

    Left out, and told: products without a SKU, with white space around it, archived in Jurnal, not sold any more, made
    of other products, or with a SKU that another one has.
    """

    async def run() -> tuple[ImportPlan, int]:
        settings = settings_from(os.environ)
        async with open_ledger_parts(settings) as ledger, open_asking(settings, ledger) as asking:
            importing = ProductImport(
                iseller=asking.iseller,
                products=asking.products,
                appender=ledger.appender,
                clock=ledger.clock,
                wait=asyncio.sleep,
            )
            known = await ledger.setup.known(store)
            plan = await importing.plan(store, known, with_stock=with_stock)
            position = 0 if dry_run else await importing.request(store, known, plan, actor, reason)
            return plan, position

    try:
        plan, position = asyncio.run(run())
    except (IsellerError, CredentialMissing, msgspec.ValidationError) as error:
        raise SetupError(f"store {store}: {error}") from error
    _tell(plan, position)


def _tell(plan: ImportPlan, position: int) -> None:
    for product in plan.products:
        stock = sum(opening.quantity for opening in product.stock)
        click.echo(
            f"new {product.sku}: {product.name}" + (f", {stock:f} {product.unit} in stock" if product.stock else "")
        )
    for line in plan.skipped:
        click.echo(f"left out {line}")
    done = f"ProductsImportRequested stands at position {position}" if position else "nothing was asked for"
    click.echo(f"{len(plan.products)} new, {plan.known} known, {len(plan.skipped)} left out; {done}.")
