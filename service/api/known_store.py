"""Which store a call is about."""

from aiohttp import web

from service.api.requests import RequestRefused, path_part
from service.api.responses import problem
from service.api.rows import ApiQueries, Store


async def known_store(queries: ApiQueries, request: web.Request) -> tuple[str, Store]:
    """Return the store that the path names. Raises `RequestRefused` (404)."""
    store_id = path_part(request, "store")
    store = None if store_id is None else await queries.store(store_id)
    if store_id is None or store is None:
        detail = "No such store is connected here; `jurnalsync setup apply` connects one."
        raise RequestRefused(problem(404, "unknown-store", "Unknown store", detail))
    return store_id, store
