"""When a lost attempt may be called absent: the signed Date is the fence of every attempt."""

from datetime import datetime, timedelta

import msgspec

from projections.jurnal_commands.commands import BookInvoice
from projections.jurnal_commands.queue import Send


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
