"""What a person sees while the demo runs. A screen shows steps, the moving state, and the end."""

import sys
import time
from typing import Protocol, TextIO

import msgspec

from ops.sandbox.demo_service_api import View


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The state at one moment: the shop's clock, events done, webhooks waiting, and what the service tells."""

    shop_time: str = ""
    happening: str = ""
    events_done: int = 0
    events_total: int = 0
    webhooks_waiting: int = 0
    jurnal_documents: dict[str, int] = {}
    jurnal_calls: int = 0
    view: View | None = None


class Screen(Protocol):
    """Where the demo speaks."""

    def step(self, title: str, text: str = "") -> None:
        """Say what begins now, in the help article's words."""

    def done(self, text: str) -> None:
        """Say what was reached."""

    def show(self, moment: Moment) -> None:
        """Show the moving state."""

    def close(self) -> None:
        """Give the terminal back."""


class PlainScreen:
    """Lines on a stream, for programs and for logs; the moving state every few seconds."""

    _SECONDS_BETWEEN = 3.0

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown_at = time.monotonic()

    def step(self, title: str, text: str = "") -> None:
        """Print the step."""
        self._print(f"== {title}{': ' if text else ''}{text}")

    def done(self, text: str) -> None:
        """Print what was reached."""
        self._print(f"   {text}")

    def show(self, moment: Moment) -> None:
        """Print one line, if the last one is some seconds old."""
        if time.monotonic() - self._shown_at < self._SECONDS_BETWEEN or moment.view is None:
            return
        self._shown_at = time.monotonic()
        sync = ", ".join(f"{status} {count}" for status, count in moment.view.sync.items() if count)
        on_way = int(sum(moment.view.in_transit.values()))
        self._print(
            f"   {moment.shop_time} · {moment.events_done}/{moment.events_total} events · sync: {sync or 'nothing yet'}"
            f" · in transit: {on_way} · calls to Jurnal: {moment.jurnal_calls}"
        )

    def close(self) -> None:
        """Nothing to give back."""

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
