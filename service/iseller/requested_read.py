"""Reading iSeller's orders of a range of dates again, because somebody asked for a manual sync of them.

Orders are read in the order they were made, which nothing changes afterwards: page after page none is skipped. What was
never told by a webhook and lies outside the poll's overlap is found so; what is known already is a duplicate.
"""

from datetime import datetime, time, timedelta

import msgspec

from eventstore.connection import Pool
from eventstore.event import Fact
from eventstore.facts.registry import decode
from eventstore.facts.settings import SYNC_STREAM_PREFIX, SyncRequested
from eventstore.statements import statement
from eventstore.store import LedgerReader
from service.iseller.client import IsellerClient
from service.iseller.endpoint_pass import ORDER_INCLUDES, EndpointPolled, PassSettings, Run, utc_text
from service.iseller.envelope import Page
from service.iseller.intake import Intake

_READ = statement(__package__, "read_requested")
_MOVE = statement(__package__, "move_requested")
# Windows stand in the stream, too. A request that so many facts followed before the poller saw it is not read for.
_STREAM_FACTS_MAX = 200
# An order may be made the day before it is sold, e.g. as a draft.
_MARGIN = timedelta(days=1)


class _Dated(msgspec.Struct):
    order_date: str = ""


_DATED = msgspec.json.Decoder(_Dated)


class RequestedReads:
    """Reads for the requests of all stores, the oldest first, a bounded number of pages a step."""

    def __init__(
        self, client: IsellerClient, intake: Intake, reader: LedgerReader, pool: Pool, settings: PassSettings
    ) -> None:
        self._client = client
        self._intake = intake
        self._reader = reader
        self._pool = pool
        self._settings = settings

    async def step(self, run: Run) -> EndpointPolled | None:
        """Read up to `pages_per_step_max` pages for the oldest request that is not read for; None if there is none.

        Raises `IsellerError`, `AppendQueueFull` and the database's errors; the next step goes on where this one broke.
        """
        request = await self._oldest(run.store_id)
        if request is None:
            return None
        fact, asked, number = request
        while run.done.pages < self._settings.pages_per_step_max:
            page = await self._take_page(run, asked, number)
            number += 1
            run.done.finished = not page.has_next or _is_beyond(page, _end(run, asked))
            await self._pool.execute(_MOVE, run.store_id, fact.position, number, run.done.finished)
            if run.done.finished:
                break
        return run.done

    async def _oldest(self, store_id: str) -> tuple[Fact, SyncRequested, int] | None:
        """Return the oldest request that is not read for yet, and the page to go on with."""
        stream = await self._reader.read_stream_end(store_id, f"{SYNC_STREAM_PREFIX}sales", facts_max=_STREAM_FACTS_MAX)
        requests = [(fact, asked) for fact in stream if isinstance(asked := decode(fact), SyncRequested)]
        positions = [fact.position for fact, _ in requests]
        known = (
            {row["position"]: row for row in await self._pool.fetch(_READ, store_id, positions)} if positions else {}
        )
        for fact, asked in sorted(requests, key=lambda request: request[0].position):
            row = known.get(fact.position)
            if row is None or not row["finished"]:
                return fact, asked, 1 if row is None else row["next_page"]
        return None

    async def _take_page(self, run: Run, asked: SyncRequested, number: int) -> Page:
        head = await self._reader.head(run.store_id)
        first = datetime.combine(asked.first, time.min, tzinfo=run.time_zone) - _MARGIN
        parameters = {
            "time_zone": str(run.time_zone_hours),
            "created_after": utc_text(first),
            "sort": "CreatedDate",
            "page": str(number),
            "page_size": str(self._settings.page_facts_max),
            "includes": ORDER_INCLUDES,
        }
        page = await self._client.read_page(run.store_id, run.url, run.endpoint, parameters)
        taken = await self._intake.take_polled(
            run.store_id,
            run.kind,
            page.objects,
            observed_at=page.observed_at,
            metadata={"channel": "poll", "endpoint": run.endpoint.name},
            ledger_position_before=head.position,
        )
        run.done.count(taken)
        return page


def _end(run: Run, asked: SyncRequested) -> str:
    """Return the moment after which nothing belongs to the range, as iSeller writes moments."""
    return utc_text(datetime.combine(asked.last, time.max, tzinfo=run.time_zone) + _MARGIN)


def _is_beyond(page: Page, end: str) -> bool:
    """Tell whether every order of a page was made after `end`; one that does not say when is read on behind."""
    return bool(page.objects) and all(_DATED.decode(order).order_date[:19] > end for order in page.objects)
