"""Live Mode: a clean preflight turns it on, once; nothing turns it off."""

import msgspec
import structlog

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.event import NewFact
from eventstore.facts.registry import encode
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated
from eventstore.store import LedgerReader
from service.preflight import Preflight
from service.preflight_finding import Finding, blocking
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()


class Activated(msgspec.Struct, frozen=True):
    """Live Mode is on, since the fact at `position`."""

    position: int
    fact: LiveModeActivated


class NotClean(msgspec.Struct, frozen=True):
    """Live Mode was not turned on: the preflight found these."""

    problems: tuple[Finding, ...]


class LiveMode:
    """Turns Live Mode on."""

    def __init__(self, reader: LedgerReader, appender: Appender, preflight: Preflight, clock: Clock) -> None:
        self._reader = reader
        self._appender = appender
        self._preflight = preflight
        self._clock = clock

    async def since(self, store_id: str) -> Activated | None:
        """Return the first activation, from the ledger itself; None before it."""
        for fact in await self._reader.read_stream(store_id, SETTINGS_STREAM, facts_max=100_000):
            if fact.type == LiveModeActivated.__name__:
                return Activated(fact.position, msgspec.json.decode(fact.body, type=LiveModeActivated))
        return None

    async def activate(self, store_id: str, actor: str) -> Activated | NotClean:
        """Turn Live Mode on for good. A second activation is harmless and answers the first."""
        if (already := await self.since(store_id)) is not None:
            return already
        if problems := blocking(await self._preflight.check(store_id)):
            return NotClean(problems)
        now = self._clock.now()
        name, version, body = encode(LiveModeActivated(actor=actor, activated_at=now))
        fact = NewFact(
            stream_id=SETTINGS_STREAM,
            type=name,
            schema_version=version,
            source_id="live-mode",
            observed_at=now,
            body=body,
        )
        await self._appender.append(store_id, [fact])
        activated = await self.since(store_id)
        assert activated is not None
        _LOG.info(LogEvent.LIVE_MODE_ACTIVATED, store=store_id, position=activated.position)
        return activated
