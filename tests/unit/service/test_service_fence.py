"""From when on a look-up that finds nothing proves absence."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from projections.jurnal_commands.commands import Command
from projections.jurnal_commands.queue import Send
from service.fence import Fence
from tests.unit.jurnal.made_up import INVOICE, TRANSFER

SIGNED_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FENCE = Fence(quiet_period_seconds=30)
BEGAN_AT = SIGNED_AT + timedelta(seconds=500)


def lost(command: Command, absent_after_seconds: float = 420, **more: object) -> Send:
    """Return a command whose first attempt was lost."""
    absent_from = SIGNED_AT + timedelta(seconds=absent_after_seconds)
    send = Send(
        store_id="toko", command_id="c-1", stream_id="s-1", command=command, state="unknown", attempt=1,
        signed_at=SIGNED_AT, absent_from=absent_from, request_digest="", due_at=SIGNED_AT,
    )  # fmt: skip
    return msgspec.structs.replace(send, **more)


def later(send: Send, behind_seconds: float | None, fence: Fence = FENCE) -> float | None:
    """Return how much later than by our clock absence counts, where Jurnal's is so far behind."""
    jurnal_at = None if behind_seconds is None else BEGAN_AT - timedelta(seconds=behind_seconds)
    proved_from = fence.proved_from(send, BEGAN_AT, jurnal_at)
    return None if proved_from is None or send.absent_from is None else (proved_from - send.absent_from).total_seconds()


@pytest.mark.parametrize(
    ("behind_seconds", "seconds"), [(None, 0), (-300, 0), (2, 0), (2.5, 0.5), (200, 198), (300, 298), (9_000, 298)]
)
def test_absence_counts_as_much_later_as_jurnals_clock_is_behind(behind_seconds: float | None, seconds: float) -> None:
    """Not more than it lets a Date be off: it let the look-up in."""
    assert later(lost(TRANSFER), behind_seconds) == seconds


@pytest.mark.parametrize(
    ("send", "is_awaited"),
    [
        (lost(INVOICE, 60), False),
        (lost(INVOICE), True),
        (lost(INVOICE, 60, batch_id=UUID(int=1)), True),
        (lost(INVOICE, 60, signed_at=None), True),
        (lost(TRANSFER, 60), True),
        (lost(TRANSFER, attempt=0), False),
    ],
)
def test_jurnals_clock_counts_where_a_request_may_be_on_its_way_that_only_its_date_stops(
    send: Send, is_awaited: bool
) -> None:
    """Neither for a quiet period, where the key stops it, nor for what was never tried."""
    assert later(send, 200) == (198 if is_awaited else 0)


def test_without_a_quiet_period_an_invoice_hangs_on_its_date_whatever_its_row_says() -> None:
    """The setting may have been another one when the attempt was made."""
    assert later(lost(INVOICE, 60), 200, Fence()) == 198


def test_where_no_fence_is_known_nothing_is_proved() -> None:
    """What has no fence is never absent."""
    assert Fence().proved_from(lost(TRANSFER, absent_from=None), BEGAN_AT, BEGAN_AT) is None
