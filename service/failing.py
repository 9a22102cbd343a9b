"""Which loops fail, and for how long without one whole step: told in the log, counted, and watched by an alert."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import structlog

from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Loop, Metrics

_LOG = structlog.get_logger()
# The loop itself, where a step fails as a whole and not for one store or company.
_ALL = ""


class Failing:
    """What fails in the loops of one process: the whole of one, or its work for one store or company."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._since: dict[Loop, dict[str, datetime]] = {loop: {} for loop in Loop}
        for loop in Loop:
            metrics.loop_failing_seconds.labels(loop).set_function(partial(self.seconds, loop))

    def failed(self, loop: Loop, error: Exception, subject: str = _ALL) -> None:
        """Note a step that failed; a lost connection is told in a line, all else with its stack."""
        told = {"loop": loop} | ({"subject": subject} if subject else {})
        if isinstance(error, CONNECTION_ERRORS):
            _LOG.warning(LogEvent.LOOP_FAILED, reason=f"{type(error).__name__}: {error}", **told)
        else:
            _LOG.error(LogEvent.LOOP_FAILED, exc_info=error, **told)
        self._metrics.loop_failures_total.labels(loop).inc()
        self._since[loop].setdefault(subject, self._clock.now())

    def whole(self, loop: Loop, subject: str = _ALL) -> None:
        """Note a step that went to its end."""
        self._since[loop].pop(subject, None)

    def left(self, loop: Loop, subjects: Collection[str]) -> None:
        """Forget all but these stores or companies: others are none of this process's any more."""
        self._since[loop] = {each: at for each, at in self._since[loop].items() if each == _ALL or each in subjects}

    def seconds(self, loop: Loop) -> float:
        """Return for how long whatever has failed longest has had no whole step; 0 if nothing fails."""
        since = self._since[loop].values()
        return max(0.0, (self._clock.now() - min(since)).total_seconds()) if since else 0.0

    @contextmanager
    def alone(self, loop: Loop, subject: str) -> Iterator[None]:
        """Keep what goes wrong with one store or company from its neighbours; a lost database concerns them all."""
        try:
            yield
        except CONNECTION_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - logged with its stack; the next step tries again
            self.failed(loop, error, subject)
        else:
            self.whole(loop, subject)
