"""What cannot be prepared now waits with its reason, and stops none of its neighbours."""

from datetime import timedelta

import structlog

from projections.jurnal_commands.commands import CreateCustomer
from projections.jurnal_commands.queue import Key, Move, Send, SendQueue
from service.dispatched import Dispatched
from service.jurnal_calls import CredentialMissing
from service.master_data import LookupFailed
from service.settling import Settling
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()
_SERVICE_WAIT_SECONDS = 5
_PUT_OFF_SECONDS_MAX = 600


class Postponing:
    """Puts sends off, each time longer where something is wrong with the command itself."""

    def __init__(self, queue: SendQueue, settling: Settling) -> None:
        self._queue = queue
        self._settling = settling
        self._times: dict[Key, int] = {}

    async def put_off(self, send: Send, failed: LookupFailed) -> Dispatched:
        """Wait for the quota, or each time longer for what a look-up failed of: it may never work, and costs calls."""
        kind = type(send.command).__name__
        if failed.wait is not None:
            return Dispatched("waited", kind, "quota", failed.wait.free_at)
        wait = self._longer(send)
        now = await self._settling.now()
        free_at = now + wait
        move = Move(send=send, state=send.state, due_at=free_at, reason=failed.reason, as_seen=True)
        await self._queue.move([move], now=now)
        return Dispatched("waited", kind, failed.reason, free_at)

    async def put_off_longer(self, send: Send, error: Exception, *, alone: bool = False) -> Dispatched:
        """Wait longer each time. An attempt that went over the wire is later than `send`: this does not touch it.

        `alone`: what is wrong may be with another of its call, which goes on without it.
        """
        wait = self._longer(send)
        kind, about = type(send.command).__name__, type(error).__name__
        is_silent = isinstance(send.command, CreateCustomer) and not isinstance(error, CredentialMissing)
        _LOG.error(
            LogEvent.COMMAND_POSTPONED,
            store=send.store_id,
            command=send.command_id,
            kind=kind,
            attempt=send.attempt,
            error=about,
            exc_info=not is_silent,
        )
        # The words of an error may repeat a customer's name.
        reason = f"It cannot be prepared: {about}" if is_silent else f"It cannot be prepared: {about}: {error}"
        now = await self._settling.now()
        free_at = now + wait
        move = Move(send=send, state=send.state, due_at=free_at, reason=reason, alone=alone, as_seen=True)
        await self._queue.move([move], now=now)
        return Dispatched("waited", kind, reason, free_at)

    def _longer(self, send: Send) -> timedelta:
        """Return a wait that doubles with each time a send is put off."""
        times = self._times[send.key] = self._times.get(send.key, 0) + 1
        return timedelta(seconds=min(_SERVICE_WAIT_SECONDS * 2 ** min(times - 1, 10), _PUT_OFF_SECONDS_MAX))

    def went(self, send: Send) -> None:
        """Forget how often a send was put off."""
        self._times.pop(send.key, None)
