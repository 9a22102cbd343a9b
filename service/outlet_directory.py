"""iSeller's outlets, asked for when somebody wants to know."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import structlog

from eventstore.connection import Pool
from projections.store_settings.queries import read_settings
from service.iseller.client import GET_OUTLETS, IsellerClient
from service.iseller.envelope import IsellerError
from service.preflight_seen import IsellerOutlet
from service.telemetry.logs import LogEvent

_PAGE_SIZE = 100
_PAGES_MAX = 100


class _Told(msgspec.Struct):
    id: str
    name: str = ""
    is_active: bool = True


class OutletDirectory:
    """Reads outlets of connected stores."""

    def __init__(self, pool: Pool, client: IsellerClient) -> None:
        self._pool = pool
        self._client = client

    async def outlets_of(self, store_id: str) -> list[IsellerOutlet] | None:
        """Return a store's outlets; None if iSeller cannot be asked, and the log says why."""
        connection = (await read_settings(self._pool, store_id)).connection
        if connection is None:
            return None
        found: list[IsellerOutlet] = []
        try:
            for page in range(1, _PAGES_MAX + 1):
                parameters = {
                    "time_zone": _hours(connection.time_zone),
                    "page": str(page),
                    "page_size": str(_PAGE_SIZE),
                }
                read = await self._client.read_page(store_id, connection.iseller_url, GET_OUTLETS, parameters)
                told = [msgspec.json.decode(row, type=_Told, strict=False) for row in read.objects]
                found += [IsellerOutlet(outlet.id, outlet.name, outlet.is_active) for outlet in told]
                if not read.has_next:
                    break
        except (IsellerError, msgspec.DecodeError) as error:
            structlog.get_logger().warning(
                LogEvent.POLL_FAILED, store=store_id, endpoint=GET_OUTLETS.name, reason=str(error)
            )
            return None
        return found


def _hours(time_zone: str) -> str:
    """Return a zone's offset from UTC as iSeller's `time_zone` parameter takes it: standard time, in whole hours."""
    offset = datetime(2026, 1, 1, tzinfo=ZoneInfo(time_zone)).utcoffset()
    assert offset is not None
    return str(offset // timedelta(hours=1))
