"""What the tests of the books let iSeller tell never contradicts itself."""

import json
from datetime import date
from typing import Any

import pytest

from ops.sandbox.scenario_everything import everything
from ops.sandbox.traffic import generate
from tests.books.history import Told, history_of


@pytest.mark.parametrize("seed", [5978, 5981, 5984])
def test_a_poll_shows_each_order_as_the_last_webhook_by_its_time_told_it(seed: int) -> None:
    """Else an order that was edited would be told, last of all, as it was before, and nothing could say which is so."""
    scenario = everything(seed)
    traffic = generate(scenario, seed, 58, date(2026, 11, 20), everything=True)
    history = history_of(scenario, traffic, returns_name_origin=False)
    compared = 0
    for poll in history.polls:
        shown = {body["order_id"]: body for body in map(_order, poll) if body}
        last = {
            body["order_id"]: body
            for told in history.webhooks
            if told.observed_at <= poll[0].observed_at and (body := _order(told))
        }
        for order_id, body in last.items():
            assert _what_counts(shown[order_id]) == _what_counts(body), f"{poll[0].observed_at}: {order_id}"
        compared += len(last)
    assert compared


def _order(told: Told) -> dict[str, Any] | None:
    return json.loads(told.body) if told.kind == "order" else None


def _what_counts(order: dict[str, Any]) -> dict[str, Any]:
    return {name: order[name] for name in ("status", "total_amount", "payment_status")}
