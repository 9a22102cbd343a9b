"""Settings through the API: as they stand with their version, and changed only by who has seen that version."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.store import LedgerReader
from service.api.responses import problems
from service.setup import StoreSetup
from service.setup_api import settings_calls
from tests.integration.api.shop import TOKEN, Client, Shop, routes_over
from tests.integration.store_file import API_KEY, ISELLER_SECRET, JURNAL_SECRET, write_store_file
from tests.integration.whole_store_file import WHOLE
from tests.ledger import MASTER, NOON, STORE, appender_on, service_pool

PATH = f"/v1/stores/{STORE}/settings"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Give a pool that acts as the service."""
    async with service_pool(database_url) as opened:
        yield opened


@pytest.fixture
async def settings(pool: Pool, tmp_path: Path) -> AsyncIterator[Client]:
    """Give the API over a store that is set up whole."""
    setup = StoreSetup(pool, LedgerReader(pool), appender_on(pool), Credentials(pool, MASTER), ManualClock(NOON))
    await setup.apply(write_store_file(tmp_path, WHOLE))
    app = web.Application(middlewares=[problems])
    app.add_routes(routes_over(Shop(), TOKEN, settings_calls(setup)))
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


async def read(client: Client) -> dict[str, Any]:
    """Return the settings."""
    async with client.get(PATH) as answer:
        assert answer.status == 200
        told: dict[str, Any] = await answer.json()
        assert answer.headers["ETag"] == f'"{told["version"]}"'
        return told


async def change(client: Client, *, if_match: str | None = None, **patch: Any) -> tuple[int, dict[str, Any]]:
    """Send a patch; return status and answer."""
    headers = {} if if_match is None else {"If-Match": if_match}
    async with client.patch(PATH, json=patch, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_all_settings_are_read_as_they_stand_without_a_secret(settings: Client) -> None:
    """Store, outlets, channels, sales accounts and rules, in the words of the facts."""
    told = await read(settings)
    assert set(told["outlets"]) == {"main", "branch", "kiosk"}
    assert set(told["channels"]) == {"web", "marketplace:tokopedia"}
    assert told["sales_accounts"][""]["products"] == {"MOCHA": "Coffee Sales"}
    assert (told["rules"]["settlement_days"], told["live_from"], told["books_closed"]) == (3, None, None)
    async with settings.get(PATH) as answer:
        text = await answer.text()
    assert not any(secret in text for secret in (API_KEY, ISELLER_SECRET, JURNAL_SECRET))


async def test_a_patch_changes_what_it_names_and_leaves_the_rest(settings: Client) -> None:
    """Fields are merged, null takes away, lists are whole; a new outlet is mapped."""
    before = await read(settings)
    status, told = await change(
        settings,
        expected_version=before["version"],
        store={"payments": [{"gateway": "Cash", "account": "Petty Cash"}]},
        outlets={
            "kiosk": {"warehouse": "Other", "payout_account": None},
            "depok": {"outlet_name": "Depok", "warehouse": "Depok"},
        },
        channels={"food_delivery": {"channel_name": "Food", "warehouse": "Main Warehouse"}},
        sales_accounts={"": {"products": {"MOCHA": None, "LATTE": "Milk"}}},
        rules={"settlement_days": 9, "sync": {"times": ["08:00"]}},
    )
    assert (status, told["version"]) == (200, before["version"] + 6)
    assert told["changes"] == [
        "store: payments cash account Cash → Petty Cash",
        "outlet Kiosk: warehouse Kiosk Warehouse → Other",
        "outlet Kiosk: payout_account Bank Kiosk → not set",
        "outlet Depok: new",
        "channel Food: new",
        "sales accounts: products LATTE not set → Milk",
        "sales accounts: products MOCHA Coffee Sales → not set",
        "sales: sync times 12:00, 23:30 → 08:00",
        "sales: settlement_days 3 → 9",
    ]
    after = await read(settings)
    assert after["version"] == told["version"]
    assert after["outlets"]["kiosk"]["payments"] == before["outlets"]["kiosk"]["payments"]
    assert after["sales_accounts"][""] == {"scope": "", "account": "Service Revenue", "products": {"LATTE": "Milk"}}


async def test_who_changes_a_setting_is_kept_in_the_ledger(settings: Client, pool: Pool) -> None:
    """The name in the body, else that it was the API; a name is no field of a setting, in whatever part."""
    version = (await read(settings))["version"]
    await change(settings, expected_version=version, actor="ibu.rina", rules={"settlement_days": 9})
    await change(settings, expected_version=version + 1, rules={"settlement_days": 8})
    _, same = await change(settings, expected_version=version + 2, actor="pak.budi", rules={"settlement_days": 8})
    assert same["changes"] == []
    facts = await LedgerReader(pool).read_stream(STORE, "settings", after_version=version)
    assert [msgspec.json.decode(fact.body)["actor"] for fact in facts] == ["ibu.rina", "API"]
    assert "actor" not in (await read(settings))["rules"]
    for part in ({"rules": {"actor": "x"}}, {"outlets": {"kiosk": {"actor": "x"}}}, {"store": {"actor": "x"}}):
        status, told = await change(settings, expected_version=version + 2, **part)
        assert (status, "actor is unknown" in told["detail"]) == (422, True)
    assert (await change(settings, expected_version=version + 2, actor=" ", rules={"settlement_days": 1}))[0] == 422


async def test_null_in_place_of_a_mapping_takes_it_away_with_its_sales_accounts(settings: Client) -> None:
    """An outlet, a channel, the accounts of a scope; what is not mapped changes nothing, accounts need a place."""
    version = (await read(settings))["version"]
    gone: dict[str, Any] = {
        "outlets": {"kiosk": None, "nowhere": None},
        "channels": {"web": None},
        "sales_accounts": {"": None},
    }
    status, told = await change(settings, expected_version=version, actor="owner", **gone)
    assert (status, told["changes"]) == (
        200,
        [
            "sales accounts: taken away",
            "sales accounts of kiosk: taken away",
            "outlet Kiosk: mapped no more",
            "channel Web shop: mapped no more",
        ],
    )
    after = await read(settings)
    assert (set(after["outlets"]), set(after["channels"])) == ({"main", "branch"}, {"marketplace:tokopedia"})
    assert set(after["sales_accounts"]) == {"marketplace:tokopedia"}
    _, again = await change(settings, expected_version=after["version"], **gone)
    assert again == {"version": after["version"], "changes": []}
    accounts = {"branch": {"account": "Branch Sales"}}
    refused: dict[str, Any] = {"outlets": {"branch": None}, "sales_accounts": accounts}
    status, told = await change(settings, expected_version=after["version"], **refused)
    assert (status, "no outlet or channel 'branch' is mapped" in told["detail"]) == (422, True)


async def test_the_same_patch_again_changes_nothing(settings: Client) -> None:
    """No line, the same version."""
    version = (await read(settings))["version"]
    _, told = await change(settings, expected_version=version, rules={"settlement_days": 9})
    status, again = await change(settings, expected_version=told["version"], rules={"settlement_days": 9})
    assert (status, again) == (200, {"version": version + 1, "changes": []})


async def test_a_dry_run_tells_and_changes_nothing(settings: Client) -> None:
    """The lines, and the version as it stands."""
    version = (await read(settings))["version"]
    status, told = await change(settings, expected_version=version, dry_run=True, rules={"settlement_days": 9})
    assert (status, told) == (200, {"version": version, "changes": ["sales: settlement_days 3 → 9"]})
    assert (await read(settings))["rules"]["settlement_days"] == 3


async def test_who_has_not_seen_the_last_change_is_told_to_look(settings: Client) -> None:
    """412 with the version that stands; nothing is changed. If-Match and expected_version mean the same."""
    version = (await read(settings))["version"]
    assert (await change(settings, if_match=f'"{version}"', rules={"settlement_days": 9}))[0] == 200
    for told in ({"if_match": f'"{version}"'}, {"expected_version": version}):
        status, refused = await change(settings, **told, rules={"settlement_days": 11})
        assert (status, refused["type"]) == (412, "urn:jurnalsync:problem:settings-changed")
        assert f"version {version + 1}" in refused["detail"]
    assert (await read(settings))["rules"]["settlement_days"] == 9


@pytest.mark.parametrize(
    ("headers", "patch", "status"),
    [
        ({}, {}, 428),
        ({"If-Match": "yesterday"}, {}, 400),
        ({"If-Match": '"1"'}, {"expected_version": 2}, 400),
        ({}, {"expected_version": "1"}, 422),
        ({}, {"expected_version": 1, "outlet": {}}, 422),
    ],
)
async def test_a_patch_names_one_version_and_only_what_there_is(
    settings: Client, headers: dict[str, str], patch: dict[str, Any], status: int
) -> None:
    """Without a version nobody knows what was looked at."""
    async with settings.patch(PATH, json=patch, headers=headers) as answer:
        assert answer.status == status
        assert (await answer.json())["type"].startswith("urn:jurnalsync:problem:")


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"outlets": {"new": {"warehouse": "W"}}}, "outlets 'new': outlet_name is missing; add it"),
        ({"outlets": {"main": {"warehous": "W"}}}, "warehous is unknown; did you mean warehouse?"),
        ({"outlets": {"main": {"outlet_id": "x"}}}, "outlets 'main': outlet_id names it and cannot be changed"),
        ({"outlets": {"main": {"time_zone": "WIB"}}}, "outlet Main Outlet: time_zone 'WIB' is no time zone"),
        ({"channels": {"pos": {"channel_name": "P", "warehouse": "W"}}}, "channel 'pos' is none of web"),
        ({"sales_accounts": {"nowhere": {"account": "A"}}}, "no outlet or channel 'nowhere' is mapped"),
        ({"rules": {"zero_prices": "drop"}}, "rules: zero_prices: Invalid enum value 'drop'"),
        ({"rules": {"settlement_days": 0}}, "sales: settlement_days 0 must be 1 or more"),
        ({"store": {"company_id": "other"}}, "store.company_id stands and falls with the secrets"),
        ({"store": {"walk_in_contact": None}}, "store: walk_in_contact is missing; add it"),
        ({"store": {"walk_in_contact": " "}}, "store: walk_in_contact is empty; fill it in"),
    ],
)
async def test_a_wrong_patch_is_answered_with_the_entry_and_changes_nothing(
    settings: Client, patch: dict[str, Any], told: str
) -> None:
    """All or nothing: what is right beside it is not changed either."""
    before = await read(settings)
    status, refused = await change(
        settings, **{"rules": {"void_restocks": True}, **patch}, expected_version=before["version"]
    )
    assert (status, refused["type"]) == (422, "urn:jurnalsync:problem:invalid-settings")
    assert told in refused["detail"]
    assert await read(settings) == before
