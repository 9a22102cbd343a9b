"""A store's settings through the API: all of them as they stand, and mappings changed at a known version.

`GET` tells the version of the settings; `PATCH` takes it back, as `If-Match` or `expected_version`, so that nobody
changes what somebody else has changed since they looked.
"""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec
from aiohttp import web

from eventstore.facts.settings import (
    ChannelMapped,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
)
from service.api.known_store import known_store
from service.api.openapi import Endpoint
from service.api.requests import Actor, RequestRefused, body_of
from service.api.responses import json_response, problem
from service.api.rows import ApiQueries

_PATH = "/v1/stores/{store}/settings"
PATCH_BYTES_MAX = 1024 * 1024


class StoreSettingsPage(msgspec.Struct, frozen=True, kw_only=True):
    """All settings as they stand at `version`; secrets are named by fingerprint. `live_from`: None before Live Mode."""

    version: int
    store: StoreConnected | None
    outlets: dict[str, OutletMapped]
    channels: dict[str, ChannelMapped]
    sales_accounts: dict[str, SalesAccountsMapped]
    rules: SalesRulesSet
    books_closed: dt.date | None
    live_from: int | None


class SettingsPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed, merged into what stands: a field given replaces it, null takes it away, lists are whole.

    `outlets` by iSeller's id, `channels` and `sales_accounts` by scope (empty: the whole store). One that is not there
    yet is mapped; null in place of one takes it away, an outlet or channel with its sales accounts. `dry_run` only
    tells what would change. `actor` is kept in the ledger as who changed it.
    """

    actor: Actor = "API"
    expected_version: int | None = None
    dry_run: bool = False
    store: dict[str, Any] = {}
    outlets: dict[str, dict[str, Any] | None] = {}
    channels: dict[str, dict[str, Any] | None] = {}
    sales_accounts: dict[str, dict[str, Any] | None] = {}
    rules: dict[str, Any] = {}


class SettingsChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The settings stand at `version`; one line for each field that changed, none if they stood so already."""

    version: int
    changes: tuple[str, ...]


class SettingsRefused(msgspec.Struct, frozen=True):
    """The change cannot be made: one line for everything that is wrong with it. Nothing was changed."""

    problems: tuple[str, ...]


class SettingsMoved(msgspec.Struct, frozen=True):
    """Somebody else has changed the settings since; they stand at `version` now."""

    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsCalls:
    """What reads and changes settings. The first argument is the store; `change` also takes the version expected."""

    read: Callable[[str], Awaitable[StoreSettingsPage]]
    change: Callable[[str, SettingsPatch, int], Awaitable[SettingsChanged | SettingsRefused | SettingsMoved]]


def settings_endpoints(queries: ApiQueries, calls: SettingsCalls) -> list[Endpoint]:
    """Return the endpoints of settings."""
    answers = SettingsAnswers(queries, calls)
    return [
        Endpoint(
            method="GET",
            path=_PATH,
            name="settings",
            summary="All settings as they stand, with their version (also as ETag)",
            handler=answers.read,
            answers={200: StoreSettingsPage},
            refusals=(404,),
        ),
        Endpoint(
            method="PATCH",
            path=_PATH,
            name="change-settings",
            summary="Change mappings and rules that stand at the version given (If-Match or expected_version)",
            handler=answers.change,
            body=SettingsPatch,
            answers={200: SettingsChanged},
            refusals=(400, 404, 412, 413, 422, 428),
        ),
    ]


class SettingsAnswers:
    """The handlers of settings."""

    def __init__(self, queries: ApiQueries, calls: SettingsCalls) -> None:
        self._queries = queries
        self._calls = calls

    async def read(self, request: web.Request) -> web.Response:
        """Answer all settings."""
        store_id, _ = await known_store(self._queries, request)
        page = await self._calls.read(store_id)
        return _tagged(json_response(page), page.version)

    async def change(self, request: web.Request) -> web.Response:
        """Change settings that still stand at the version that was looked at."""
        store_id, _ = await known_store(self._queries, request)
        patch = await body_of(request, SettingsPatch, bytes_max=PATCH_BYTES_MAX)
        done = await self._calls.change(store_id, patch, _expected(request, patch))
        match done:
            case SettingsChanged():
                return _tagged(json_response(done), done.version)
            case SettingsMoved(version=version):
                detail = f"The settings were changed since; they stand at version {version}. Look, and send it again."
                return _tagged(problem(412, "settings-changed", "Settings changed", detail), version)
            case SettingsRefused(problems=problems):
                return problem(422, "invalid-settings", "Invalid settings", "\n".join(problems))
            case _:
                assert_never(done)


def _expected(request: web.Request, patch: SettingsPatch) -> int:
    """Return the version that the caller looked at; it must be told once. Raises `RequestRefused` (400, 428)."""
    told = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if told and not told.isdecimal():
        detail = 'Send the version that GET answered: If-Match: "7".'
        raise RequestRefused(problem(400, "invalid-parameter", "Invalid parameter", detail))
    versions = {int(told)} if told else set()
    if patch.expected_version is not None:
        versions.add(patch.expected_version)
    if len(versions) == 1:
        return versions.pop()
    if versions:
        detail = "If-Match and expected_version name two versions; send one of them."
        raise RequestRefused(problem(400, "invalid-parameter", "Invalid parameter", detail))
    detail = "Tell which version you looked at: GET answers it; send it as If-Match or expected_version."
    raise RequestRefused(problem(428, "version-required", "Version required", detail))


def _tagged(answer: web.Response, version: int) -> web.Response:
    answer.headers["ETag"] = f'"{version}"'
    return answer
