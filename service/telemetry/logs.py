"""Logs: one JSON object a line on stderr, every event name in one place, no secret in any of them."""

import logging
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

Level = Literal["debug", "info", "warning", "error"]

# Spelled without separators, so that apiKey, api_key and Api-Key are one.
SECRET_KEYS = frozenset(
    {
        "accesstoken",
        "apikey",
        "apitoken",
        "authorization",
        "clientsecret",
        "cookie",
        "databaseurl",
        "hmac",
        "jurnalproxy",
        "masterkey",
        "password",
        "refreshtoken",
        "sealed",
        "sealingkey",
        "secret",
        "signature",
        "token",
    }
)


class LogEvent(StrEnum):
    """Every event that is logged, past tense. The `event` key of a line is one of these."""

    SERVICE_STARTED = "service_started"
    SERVICE_STOPPED = "service_stopped"
    WEBHOOK_REFUSED = "webhook_refused"
    PAYLOAD_UNREADABLE = "payload_unreadable"
    INTEGRITY_INCIDENT = "integrity_incident"
    APPEND_FAILED = "append_failed"
    FACT_STALLED = "fact_stalled"
    ARCHIVE_UNREADABLE = "archive_unreadable"
    RESTORE_DETECTED = "restore_detected"
    RESTORE_LOOK_POSTPONED = "restore_look_postponed"
    DIFFERENCES_DETECTED = "differences_detected"
    COMPARISON_STOPPED = "comparison_stopped"
    COMMAND_ACCEPTED = "command_accepted"
    COMMAND_REFUSED = "command_refused"
    REFUSAL_DROPPED = "refusal_dropped"
    COMMAND_POSTPONED = "command_postponed"
    COMMAND_UNANSWERED = "command_unanswered"
    COMMAND_CONFIRMED_ABSENT = "command_confirmed_absent"
    LEASE_LOST = "lease_lost"
    CLOCK_DISTRUSTED = "clock_distrusted"
    CLOCK_TRUSTED = "clock_trusted"
    POLL_FAILED = "poll_failed"
    LEDGER_GAP = "ledger_gap"
    LEDGER_FACTS_LOST = "ledger_facts_lost"
    OWNER_LOGIN_USED = "owner_login_used"
    QUOTA_REOPENED = "quota_reopened"
    LIVE_MODE_ACTIVATED = "live_mode_activated"
    LOOP_FAILED = "loop_failed"
    REQUEST_FAILED = "request_failed"
    LIBRARY_REPORTED = "library_reported"


def drop_secrets(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
    """Leave out every key that names a secret, at any depth, and turn the rest into plain JSON values."""
    return {str(key): _without_secrets(value) for key, value in event.items() if not _names_a_secret(key)}


def configure_logs(level: Level) -> None:
    """Send our own lines and those of libraries to stderr from `level` on. Call once, before the first line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        drop_secrets,
    ]
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_line)],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_as_library_message],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared,
                structlog.processors.JSONRenderer(serializer=_line),
            ],
        )
    )
    # Libraries speak from warning on: aiohttp and asyncio tell of every connection below that.
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[libraries], force=True)


def _as_library_message(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
    record = event["_record"]
    return {**event, "event": LogEvent.LIBRARY_REPORTED, "message": event["event"], "library": record.name}


def _names_a_secret(key: object) -> bool:
    return str(key).lower().replace("_", "").replace("-", "") in SECRET_KEYS


def _without_secrets(value: Any) -> Any:
    # Structs become dicts first, or a field named as a secret would pass inside of one.
    plain = msgspec.to_builtins(value, str_keys=True, enc_hook=repr)
    match plain:
        case dict():
            return {key: _without_secrets(part) for key, part in plain.items() if not _names_a_secret(key)}
        case list() | tuple():
            return [_without_secrets(part) for part in plain]
        case _:
            return plain


_ENCODER = msgspec.json.Encoder(enc_hook=repr, decimal_format="string")


def _line(event: "EventDict", **_unused: object) -> str:
    return _ENCODER.encode(event).decode()
