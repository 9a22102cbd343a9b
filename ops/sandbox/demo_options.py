"""What the demo is asked to do, and the numbers that follow from it."""

from pathlib import Path
from typing import Literal

import msgspec

from ops.sandbox.jurnal.quota import Windows


class Fences(msgspec.Struct, frozen=True, kw_only=True):
    """How long a call whose answer was lost may still do something, in seconds; sandbox and service are told alike."""

    date_skew_seconds: int = 300
    processing_allowance_seconds: int = 120
    quiet_period_seconds: int = 30
    deadline_seconds: int = 90
    lease_seconds: int = 10
    breaker_wait_seconds: int = 30


SHORT_FENCES = Fences(
    date_skew_seconds=5,
    processing_allowance_seconds=2,
    quiet_period_seconds=2,
    deadline_seconds=5,
    lease_seconds=5,
    breaker_wait_seconds=2,
)


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `./run`, as `./run --help` explains them. `server_url` is DATABASE_URL, None without one.

    `quota_windows`: how Jurnal counts its quota. `watched`: somebody sits before a terminal, so the shop's days are
    slowed down to be seen.
    """

    once: bool = False
    as_json: bool = False
    orders: int = 200
    seed: int = 7
    everything: bool = False
    body: Literal["full", "thin"] = "full"
    quota: Literal["raised", "documented"] = "raised"
    quota_windows: Windows = "fixed"
    stop_after_transfer_start: bool = False
    kill_service_once: bool = False
    lose_webhooks: float = 0
    outage: bool = False
    jurnal_outage: bool = False
    data: Path | None = None
    postgres_major: int = 18
    server_url: str | None = None
    watched: bool = False

    @property
    def fences(self) -> Fences:
        """Calls may be left without an answer: with short fences the demo need not wait minutes for them."""
        return SHORT_FENCES if self.kill_service_once or self.jurnal_outage else Fences()

    @property
    def settle_seconds_max(self) -> float:
        """How long everything may take to reach Jurnal after the shop's last event."""
        if self.quota == "raised":
            # Standing still has a limit of its own; a busy machine alone must not end a run.
            return 80 if not self.everything else 80 + 3 * self.orders
        # About two calls an order, thirty a minute, and an hour's limit that is met on the way.
        return 900 + self.orders * 2 * 60 / 30 * 1.2

    @property
    def still_seconds_max(self) -> float:
        """How long nothing may move before the rest is given up: longer than a fence or a quota window."""
        return 25 if self.quota == "raised" else 200

    @property
    def records_seen(self) -> int:
        """How many sync records a look brings along: only somebody who watches sees any, and they cost the service."""
        return 500 if self.watched else 1

    @property
    def look_seconds(self) -> float:
        """How long between two looks for the screen; each costs the service three answers."""
        return 0.3 if self.watched else 1

    @property
    def show_seconds(self) -> float:
        """How long the shop's three days are stretched for somebody who watches."""
        return 25 if self.watched else 0
