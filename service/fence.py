"""When a lost attempt may be called absent: the signed Date is the fence of every attempt.

The Date dies by Jurnal's own clock: a look-up that finds nothing proves absence once that clock is past the fence, too.
"""

from datetime import datetime, timedelta

import msgspec

from projections.jurnal_commands.commands import BookInvoice
from projections.jurnal_commands.queue import Send

# A Date tells whole seconds, and clocks that are kept right differ a little: the processing allowance has room for it.
_TOLD_WITHIN_SECONDS = 2


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """When an unanswered attempt may be called absent, after its signed Date. Seconds.

    `quiet_period_seconds`: of an invoice that went by itself; None: the whole fence, as for everything else. A lost
    request that wakes up just while the next one is being booked would race with it: Jurnal reads a key before it
    inserts, so within 1 to 3 s both would be booked.
    """

    date_skew_seconds: float = 300
    processing_allowance_seconds: float = 120
    quiet_period_seconds: float | None = None

    def absent_from(self, send: Send, signed_at: datetime, over_at: datetime, *, rows: int = 1) -> datetime:
        """Return the moment from which a probe that finds nothing proves absence; `over_at` is when we stopped waiting.

        Both the lost and the next attempt of an invoice by itself use an endpoint that refuses a used custom_id. It
        reads before it inserts, so the quiet period counts from the end of the attempt: within it, the two would race.
        The endpoint of several (`rows`) checks nothing, and may still be at the last of them: the whole fence holds.
        """
        if self.quiet_period_seconds is not None and isinstance(send.command, BookInvoice) and rows == 1:
            return min(over_at + timedelta(seconds=self.quiet_period_seconds), self.full(signed_at))
        return self.full(signed_at)

    def full(self, signed_at: datetime) -> datetime:
        """Return the moment after which Jurnal refuses the Date, with what it may still be working on done."""
        return signed_at + timedelta(seconds=self.date_skew_seconds + self.processing_allowance_seconds)

    def proved_from(self, send: Send, began_at: datetime, jurnal_at: datetime | None) -> datetime | None:
        """Return from when on, by our clock, a look-up that finds nothing proves absence; None: no fence is known.

        `jurnal_at`: what Jurnal's clock showed when this look-up began at `began_at`, at the earliest; None: not told.
        Where it is behind ours, it takes the Date of a lost attempt for as much longer. It is behind by no more than it
        lets a Date be off, or it had not let the look-up in.
        """
        if send.absent_from is None or jurnal_at is None or not self._hangs_on_date(send):
            return send.absent_from
        behind_seconds = min((began_at - jurnal_at).total_seconds(), self.date_skew_seconds)
        return send.absent_from + timedelta(seconds=max(0.0, behind_seconds - _TOLD_WITHIN_SECONDS))

    def _hangs_on_date(self, send: Send) -> bool:
        """Tell whether a request may still be on its way that only its Date stops.

        Not what was never tried, and not what waits for the quiet period: there the key refuses a second one.
        """
        is_single_invoice = isinstance(send.command, BookInvoice) and send.batch_id is None
        if self.quiet_period_seconds is None or not is_single_invoice or send.absent_from is None:
            return send.attempt > 0
        return send.signed_at is None or send.absent_from >= self.full(send.signed_at)
