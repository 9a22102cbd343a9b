"""The preflight of a stand's store."""

from collections.abc import Sequence

from service.company_look import CompanyLooker
from service.preflight import Preflight
from service.preflight_seen import IsellerOutlet
from service.product_list import ProductList
from tests.integration.dispatcher.stand import Stand

OUTLETS = (IsellerOutlet("main", "Main Outlet"), IsellerOutlet("branch", "Branch"))


def preflight_of(
    stand: Stand, *, url: str | None = None, outlets: Sequence[IsellerOutlet] | None = OUTLETS
) -> Preflight:
    """Return the preflight of a process of its own, whose iSeller has these outlets (None: it does not answer)."""
    calls = stand.calls(url=url)

    async def outlets_of(_store_id: str) -> Sequence[IsellerOutlet] | None:
        return outlets

    return Preflight(
        stand.pool,
        stand.reader,
        stand.clock,
        stand.process(calls=calls).directory,
        CompanyLooker(stand.pool, calls),
        ProductList(calls, stand.clock),
        outlets_of,
    )
