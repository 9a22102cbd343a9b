"""The service's settings: read once from the environment, checked as a whole, frozen.

Every variable is `JURNALSYNC_` + the field's name in capitals. A secret may stand in a file instead, named by the same
variable with `_FILE` behind it. What stands at the field below is all there is: `settings_table` is made from it.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

PREFIX = "JURNALSYNC_"
# Read by ./test, not by the service; a process that a test starts inherits them.
_TEST_PREFIX = "JURNALSYNC_TEST_"
_ALIASES = {"JURNALSYNC_DATABASE_URL": "DATABASE_URL"}
_DAY_SECONDS = 86_400
# Who waits for a place in the quota looks again after this long at most: one may be free before it was to be expected.
REST_SECONDS_MAX = 2.0


class Secret:
    """A value that shows itself to nobody but the caller of `reveal`: not in repr, str, logs or JSON."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


class SettingsError(Exception):
    """The environment cannot be used; one line per variable in `problems` says which, what shape, and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Seconds = Annotated[float, Meta(gt=0, le=31 * _DAY_SECONDS)]
Host = Annotated[str, Meta(min_length=1, extra={"shape": "a host name or address"})]


def _secret(description: str, *, pattern: str, shape: str) -> Meta:
    return Meta(description=description, extra={"pattern": pattern, "shape": shape})


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to reach the database, and all that migrating needs."""

    database_url: Annotated[
        Secret,
        _secret(
            "Postgres with the ledger; `DATABASE_URL` is read if this is not set",
            pattern=r"postgres(ql)?://.+",
            shape="an address such as postgresql://user:password@host:5432/database",
        ),
    ]
    database_role: Annotated[
        str,
        Meta(description="role the connections act as; empty keeps the login's own", extra={"shape": "a role name"}),
    ] = "jurnalsync_service"
    database_connections_max: Annotated[
        Count, Meta(description="connections of one process, beside one for fresh sales")
    ] = 10
    statement_cache_size: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="prepared statements a connection keeps; 0 keeps nothing in sessions, as PgBouncer needs it",
        ),
    ] = 100


class Settings(DatabaseSettings, frozen=True, kw_only=True):
    """Everything the serving process is told from outside. Units stand last in the names; money is never a setting."""

    api_token: Annotated[
        Secret,
        _secret(
            "bearer token of the API",
            pattern=r"[\x21-\x7e]{16,}",
            shape="at least 16 visible ASCII characters, such as `openssl rand -hex 32` makes",
        ),
    ]
    sealing_key_file: Annotated[
        Path, Meta(description="file of the key that seals personal values and credentials", extra={"shape": "a path"})
    ]
    archive_folder: Annotated[
        Path | None, Meta(description="folder of the files that `archive` wrote", extra={"shape": "a path"})
    ] = None

    listen_host: Annotated[Host, Meta(description="where webhooks and the API listen")] = "127.0.0.1"
    listen_port: Annotated[Port, Meta(description="port of webhooks and the API; 0 takes a free one")] = 8080
    operations_host: Annotated[Host, Meta(description="where metrics and probes listen")] = "127.0.0.1"
    operations_port: Annotated[Port, Meta(description="port of metrics and probes; 0 takes a free one")] = 8081
    body_bytes_max: Annotated[Count, Meta(description="largest request body taken")] = 1_048_576
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least level that is logged")
    ] = "info"
    shutdown_seconds_max: Annotated[Seconds, Meta(description="time to finish sends and appends when stopped")] = 25

    webhook_stale_seconds_max: Annotated[
        Seconds, Meta(description="oldest webhook timestamp taken; a retry may carry its first one")
    ] = 7 * _DAY_SECONDS
    webhook_future_seconds_max: Annotated[Seconds, Meta(description="newest webhook timestamp taken, ahead of us")] = (
        300
    )

    poll_interval_seconds: Annotated[Seconds, Meta(description="time between two polls of one store")] = 60
    poll_overlap_seconds: Annotated[Seconds, Meta(description="how far a poll reaches back behind the last one")] = 600
    poll_page_facts_max: Annotated[Count, Meta(description="objects asked for in one page")] = 100
    sweep_days: Annotated[int, Meta(ge=1, le=366, description="days the nightly sweep reads again")] = 9
    sweep_local_hour: Annotated[int, Meta(ge=0, le=23, description="hour of the sweep, in the store's time")] = 2

    reconcile_local_hour: Annotated[
        int, Meta(ge=0, le=23, description="hour of the daily comparison with Jurnal, in the store's time")
    ] = 4
    reconcile_days: Annotated[
        int, Meta(ge=0, le=31, description="days before it that the daily comparison covers; 0: none is made")
    ] = 2

    append_queue_facts_max: Annotated[Count, Meta(description="facts that may wait for the ledger")] = 20_000
    append_queue_bytes_max: Annotated[Count, Meta(description="bytes that may wait for the ledger")] = 67_108_864
    append_batch_facts_max: Annotated[Count, Meta(description="facts appended in one transaction")] = 1_000
    fold_batch_facts_max: Annotated[Count, Meta(description="facts folded in one transaction")] = 5_000
    follow_wait_seconds: Annotated[
        Seconds, Meta(description="longest a follower waits before it looks again, woken or not")
    ] = 0.5
    follow_by_notify: Annotated[
        Literal["yes", "no"],
        Meta(description="wake followers of other processes by NOTIFY; no behind a pooler in transaction mode"),
    ] = "yes"
    lease_seconds: Annotated[
        Seconds, Meta(description="life of a store or company lease; at least 4 and four times the follow wait")
    ] = 10

    jurnal_base_url: Annotated[
        str,
        Meta(pattern=r"^https?://[^\s@]+[^/\s]$", extra={"shape": "an http(s) address without a final slash"}),
        Meta(description="Jurnal's API"),
    ] = "https://api.mekari.com"
    jurnal_proxy: Annotated[
        Secret | None,
        _secret(
            "proxy for calls to Jurnal",
            pattern=r"https?://\S+",
            shape="an address such as http://user:password@host:3128",
        ),
    ] = None
    jurnal_deadline_seconds: Annotated[Seconds, Meta(description="longest one call to Jurnal may take")] = 90
    jurnal_date_skew_seconds: Annotated[
        Seconds, Meta(description="age from which Jurnal refuses a signed Date; never below Jurnal's own")
    ] = 300
    jurnal_processing_allowance_seconds: Annotated[
        Seconds, Meta(description="time Jurnal may still work on a call it accepted")
    ] = 120
    jurnal_quiet_period_seconds: Annotated[
        Seconds | None,
        Meta(extra={"shape": "a number of seconds above 0"}),
        Meta(
            description="wait before a lost single invoice is sent again; none: until its Date has died, as all else. A"
            " shorter one may book twice what wakes up in the very seconds of the second try"
        ),
    ] = None
    batch_rows_max: Annotated[
        int, Meta(ge=1, le=100, description="documents that go to Jurnal in one call at most; 1: each by itself")
    ] = 100
    batch_wait_seconds: Annotated[
        Seconds, Meta(description="longest a document waits for others to go with it, where calls to Jurnal are short")
    ] = 60
    jurnal_short_of_stock_words: Annotated[
        str,
        Meta(extra={"shape": "phrases with commas between them"}),
        Meta(description="what a refusal of Jurnal's says when stock is short; such a command waits for goods"),
    ] = "not enough,insufficient,tidak cukup,tidak mencukupi"
    jurnal_requests_per_minute: Annotated[Count, Meta(description="Jurnal's limit per consumer")] = 30
    jurnal_requests_per_hour: Annotated[Count, Meta(description="Jurnal's limit per consumer")] = 1_800
    jurnal_calls_per_month: Annotated[
        Count | None,
        Meta(extra={"shape": "a whole number above 0"}),
        Meta(description="calls of the month's package of Jurnal; none: no such limit"),
    ] = None
    jurnal_package_time_zone: Annotated[
        ZoneInfo,
        Meta(extra={"shape": "a time zone such as Asia/Jakarta"}),
        Meta(description="whose months and days the package counts, and whose today is sent first"),
    ] = ZoneInfo("Asia/Jakarta")
    jurnal_probe_calls_per_minute: Annotated[
        int,
        Meta(ge=0, le=1_000, description="of a minute's calls, kept for looking up lost sends; others in proportion"),
    ] = 2
    jurnal_fresh_percent: Annotated[
        int, Meta(ge=0, le=50, description="share of calls that older documents leave to those of today and yesterday")
    ] = 20
    jurnal_backfill_percent: Annotated[
        int, Meta(ge=0, le=20, description="share of calls that reconciliation leaves to older documents too")
    ] = 10
    jurnal_ageing_seconds: Annotated[
        Seconds, Meta(description="wait after which an older document's call counts as one of today")
    ] = 300
    jurnal_breaker_failures: Annotated[
        Count, Meta(description="failed calls in a row after which a company's Jurnal is left alone for a while")
    ] = 5
    jurnal_breaker_wait_seconds: Annotated[
        Seconds, Meta(description="how long it is left alone the first time; each time in a row twice as long")
    ] = 30
    jurnal_breaker_wait_seconds_max: Annotated[Seconds, Meta(description="longest it is left alone")] = 900
    egress_requests_per_minute: Annotated[Count, Meta(description="Jurnal's limit per egress address")] = 40
    egress_requests_per_hour: Annotated[Count, Meta(description="Jurnal's limit per egress address")] = 2_500
    egress_address: Annotated[
        str,
        Meta(min_length=1, max_length=100, extra={"shape": "a name of up to 100 characters"}),
        Meta(description="name of the address Jurnal sees; replicas behind one address share its quota"),
    ] = "default"


Read = TypeVar("Read", bound=DatabaseSettings)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Return what the serving process needs. Raises `SettingsError` with every problem at once."""
    return _read(environment, Settings)


def database_settings_from(environment: Mapping[str, str]) -> DatabaseSettings:
    """Return what migrating needs; the other variables may be absent. Raises `SettingsError`."""
    return _read(environment, DatabaseSettings)


def settings_table() -> str:
    """Return all settings as a markdown table: variable, shape, default, meaning."""
    rows = ["| variable | shape | default | meaning |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(Settings):
        variable = f"`{_variable(field)}`"
        if _is_secret(field):
            variable += f" or `{_variable(field)}_FILE`"
        default = "required" if field.required else "" if field.default is None else f"`{field.default}`"
        rows.append(f"| {variable} | {_shape(field.type)} | {default} | {_meaning(field.type)} |")
    return "\n".join(rows) + "\n"


def _read(environment: Mapping[str, str], kind: type[Read]) -> Read:
    problems = list(_unknown(environment))
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        try:
            raw = _raw(environment, field)
            # An empty variable sets only what may be empty (the role); chart templates write empty ones.
            if raw or (raw == "" and isinstance(field.default, (str, int, float))):
                values[field.name] = _converted(field, raw)
            elif field.required:
                problems.append(f"{_variable(field)} is not set: give it {_shape(field.type)}{_or_file(field)}")
        except SettingsError as error:
            problems.extend(error.problems)
    if problems:
        raise SettingsError(problems)
    read = kind(**values)
    if contradictions := list(_contradictions(read)):
        raise SettingsError(contradictions)
    return read


def lease_seconds_min(follow_wait_seconds: float) -> float:
    """Return the shortest life of a lease that its owner can renew in time.

    It is renewed by a look when half of its life is over. The next look at a company may come after a rest, and after
    two looks that went to others.
    """
    return 2 * (REST_SECONDS_MAX + 2 * follow_wait_seconds)


def _contradictions(read: DatabaseSettings) -> Iterator[str]:
    if not isinstance(read, Settings):
        return
    least = lease_seconds_min(read.follow_wait_seconds)
    if read.lease_seconds < least:
        yield (
            f"JURNALSYNC_LEASE_SECONDS must be at least {least:g} where JURNALSYNC_FOLLOW_WAIT_SECONDS is"
            f" {read.follow_wait_seconds:g}: a shorter lease runs out while its owner waits for Jurnal's quota, and"
            " replicas take the company from each other; raise the first or lower the second"
        )


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = set()
    for field in msgspec.structs.fields(Settings):
        known |= {_variable(field), f"{_variable(field)}_FILE"} if _is_secret(field) else {_variable(field)}
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and not variable.startswith(_TEST_PREFIX) and variable not in known:
            nearest = get_close_matches(variable, sorted(known), n=1, cutoff=0)[0]
            yield (
                f"{variable} is no setting; the nearest is {nearest}: correct or remove it"
                " (variables that Kubernetes makes for services go away with enableServiceLinks: false)"
            )


def _raw(environment: Mapping[str, str], field: msgspec.structs.FieldInfo) -> str | None:
    variable = _variable(field)
    file_variable = f"{variable}_FILE"
    if not _is_secret(field):
        return environment.get(variable)
    if file_variable in environment:
        if variable in environment:
            raise SettingsError([f"{variable} and {file_variable} are both set: remove one of them"])
        try:
            return Path(environment[file_variable]).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            problem = (
                f"{file_variable} names a file that cannot be read ({type(error).__name__}): mount the file or correct"
                f" the path; it must hold {_shape(field.type)}"
            )
            raise SettingsError([problem]) from None
    return environment.get(variable, environment.get(_ALIASES.get(variable, variable)))


def _converted(field: msgspec.structs.FieldInfo, raw: str) -> object:
    extra = _metadata(field.type).extra or {}
    # Only a secret's pattern is checked here: msgspec checks those of its own types.
    if "pattern" not in extra or re.fullmatch(extra["pattern"], raw):
        try:
            return msgspec.convert(raw, field.type, strict=False, dec_hook=_own_type)
        except msgspec.ValidationError:
            pass
    # The value itself is never shown: it may be a secret that was put into the wrong variable.
    raise SettingsError([f"{_variable(field)} must be {_shape(field.type)}: correct it{_or_default(field)}"])


def _own_type(kind: type, raw: object) -> object:
    try:
        return kind(raw)
    except ZoneInfoNotFoundError as error:
        raise ValueError from error


def _variable(field: msgspec.structs.FieldInfo) -> str:
    return PREFIX + field.name.upper()


def _is_secret(field: msgspec.structs.FieldInfo) -> bool:
    return "pattern" in (_metadata(field.type).extra or {})


def _or_file(field: msgspec.structs.FieldInfo) -> str:
    return f", or name a file that holds it in {_variable(field)}_FILE" if _is_secret(field) else ""


def _or_default(field: msgspec.structs.FieldInfo) -> str:
    return "" if field.required or field.default is None else f", or remove it to get {field.default}"


def _metadata(kind: object) -> msgspec.inspect.Metadata:
    described = msgspec.inspect.type_info(kind)
    assert isinstance(described, msgspec.inspect.Metadata), "every setting says what it means"
    return described


def _meaning(kind: object) -> str:
    return str((_metadata(kind).extra_json_schema or {})["description"])


def _shape(kind: object) -> str:
    described = _metadata(kind)
    if described.extra and "shape" in described.extra:
        return str(described.extra["shape"])
    match described.type:
        case msgspec.inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case msgspec.inspect.FloatType(le=most):
            return f"a number above 0, up to {most}"
        case msgspec.inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case other:
            raise AssertionError(f"no words for the shape of {other}")
