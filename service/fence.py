"""When a lost attempt may be called absent: the signed Date is the fence of every attempt."""

from datetime import datetime, timedelta

import msgspec

from projections.jurnal_commands.commands import BookInvoice
from projections.jurnal_commands.queue import Send


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """When an unanswered attempt may be called absent, after its signed Date. Seconds."""

    date_skew_seconds: float = 300
    processing_allowance_seconds: float = 120
    quiet_period_seconds: float = 30

    def absent_from(self, send: Send, signed_at: datetime, over_at: datetime, *, rows: int = 1) -> datetime:
        """Return the moment from which a probe that finds nothing proves absence; `over_at` is when we stopped waiting.

        Both the lost and the next attempt of an invoice by itself use an endpoint that refuses a used custom_id. It
        reads before it inserts, so the quiet period counts from the end of the attempt: within it, the two would race.
        The endpoint of several (`rows`) checks nothing, and may still be at the last of them: the whole fence holds.
        """
        if isinstance(send.command, BookInvoice) and rows == 1:
            return min(over_at + timedelta(seconds=self.quiet_period_seconds), self.full(signed_at))
        return self.full(signed_at)

    def full(self, signed_at: datetime) -> datetime:
        """Return the moment after which Jurnal refuses the Date, with what it may still be working on done."""
        return signed_at + timedelta(seconds=self.date_skew_seconds + self.processing_allowance_seconds)
