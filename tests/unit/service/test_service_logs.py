"""Every line is JSON, every event has a name, and no line holds a secret."""

import json
import logging
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import structlog

from service.settings import Secret
from service.telemetry.logs import LogEvent, configure_logs

HIDDEN = "do-not-show-me"


class Credential(msgspec.Struct):
    """A Struct somebody logs whole."""

    name: str
    client_secret: str


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Catch what is logged, and leave logging as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers[:] = []
    yield capsys
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(written: str) -> list[dict[str, Any]]:
    """Read the lines as JSON objects."""
    return [json.loads(line) for line in written.splitlines()]


def test_a_line_is_one_json_object_with_event_level_and_time(stderr: pytest.CaptureFixture[str]) -> None:
    """Collectors parse lines; amounts keep their digits."""
    configure_logs("info")
    structlog.get_logger().info(LogEvent.COMMAND_ACCEPTED, kind="BookInvoice", amount=Decimal("150000.10"))
    (line,) = lines(stderr.readouterr().err)
    assert line["event"] == "command_accepted"
    assert (line["level"], line["kind"], line["amount"]) == ("info", "BookInvoice", "150000.10")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["at"])


def test_a_level_below_the_configured_one_is_silent(stderr: pytest.CaptureFixture[str]) -> None:
    """What is told at each command stays out where only warnings are wanted."""
    configure_logs("warning")
    structlog.get_logger().info(LogEvent.COMMAND_ACCEPTED)
    assert stderr.readouterr() == ("", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": HIDDEN},
        {"Authorization": f"Bearer {HIDDEN}"},
        {"headers": {"Api-Key": HIDDEN, "attempts": [{"refresh_token": HIDDEN}]}},
        {"setting": Secret(HIDDEN)},
        {"credential": Credential("jurnal", HIDDEN)},
        {"database_url": f"postgresql://owner:{HIDDEN}@127.0.0.1/ledger"},
    ],
    ids=["key", "header", "nested", "secret", "struct", "address"],
)
def test_a_secret_never_reaches_a_line(stderr: pytest.CaptureFixture[str], fields: dict[str, Any]) -> None:
    """Keys that name secrets are left out at any depth, and a Secret shows itself to nobody."""
    configure_logs("info")
    structlog.get_logger().info(LogEvent.SERVICE_STARTED, port=8080, **fields)
    written = stderr.readouterr().err
    (line,) = lines(written)
    assert line["port"] == 8080
    assert HIDDEN not in written


def test_a_library_speaks_in_the_same_shape_with_its_traceback(stderr: pytest.CaptureFixture[str]) -> None:
    """What aiohttp or asyncio report is one JSON line too, under one event name."""
    configure_logs("info")
    try:
        json.loads("{")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("unhandled %s", "exception")
    (line,) = lines(stderr.readouterr().err)
    assert (line["event"], line["library"], line["message"]) == (
        "library_reported",
        "aiohttp.server",
        "unhandled exception",
    )
    assert "JSONDecodeError: Expecting property name" in line["exception"]


def test_event_names_are_snake_case_and_say_what_happened() -> None:
    """The name in the code is the name in the line."""
    assert all(event.value == event.name.lower() for event in LogEvent)
    past = re.compile(r"(ed|lost|gap|unreadable|incident|absent)$")
    assert [event for event in LogEvent if not past.search(event)] == []
