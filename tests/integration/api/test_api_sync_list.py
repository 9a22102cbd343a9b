"""The Accounting Sync list and what a person decides by it, over real HTTP."""

from datetime import date
from typing import Any

import pytest

from service.api.rows import Decision, SyncFilter, SyncPlace
from tests.integration.api.shop import (
    STORE,
    TODAY,
    Client,
    Shop,
    of_store,
    page_of,
    problem_of,
)

OWNER = {"actor": "owner", "reason": "month end"}
SYNC = {"scope": "sales", "first": "2026-08-01", "last": "2026-08-10", **OWNER}


async def posted(api: Client, path: str, body: Any) -> Any:
    """Send a call that is answered."""
    async with api.post(of_store(path), json=body) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        return await response.json()


async def test_sync_is_filtered_by_everything_a_shopkeeper_knows(api: Client, shop: Shop) -> None:
    """Several statuses and kinds, outlet, dates and text, newest first or by date; the counts are of the filters."""
    failed = await page_of(api, of_store("sync?status=Failed&kind=sale"))
    assert [record["reference"] for record in failed["records"]] == ["S-2"]
    assert failed["counts"]["Success"] == 2
    path = "sync?status=Failed,Held&kind=sale,payout&outlet=Main+Outlet&first=2026-08-01&last=2026-08-10"
    path += "&text=50%25_&sort=date"
    await page_of(api, of_store(path))
    wanted = shop.pages_wanted[-1]
    assert wanted.filter == SyncFilter(
        statuses=("Failed", "Held"),
        kinds=("sale", "payout"),
        outlet="Main Outlet",
        first=date(2026, 8, 1),
        last=TODAY,
        text="50%_",
    )
    assert (wanted.sort, wanted.after, wanted.counted) == ("date", None, True)


async def test_later_pages_are_not_counted_again(api: Client, shop: Shop) -> None:
    """Counting a million records once is enough."""
    first = await page_of(api, of_store("sync?limit=2"))
    second = await page_of(api, first["next"])
    assert (first["counts"]["Success"], second["counts"]) == (2, None)
    assert [wanted.counted for wanted in shop.pages_wanted] == [True, False]


async def test_a_range_of_dates_the_wrong_way_round_is_refused(api: Client) -> None:
    """An empty page would look like nothing happened."""
    refusal = await problem_of(api, "GET", of_store("sync?first=2026-08-10&last=2026-08-01"))
    assert (refusal.status, refusal.type) == (422, "urn:jurnalsync:problem:invalid-range")


@pytest.mark.parametrize("what", ["retry", "skip"])
async def test_one_record_is_decided_on_with_a_name_and_a_reason(api: Client, shop: Shop, what: str) -> None:
    """What cannot be decided says why and what to do instead; nobody's word is no word."""
    assert await posted(api, f"sync/sale-002/{what}", OWNER) == {"positions": [7, 8]}
    assert shop.decisions == [(what, "sale-002", Decision("owner", "month end"))]
    booked = await problem_of(api, "POST", of_store(f"sync/sale-001/{what}"), json=OWNER)
    assert (booked.status, booked.type, booked.detail) == (
        409,
        f"urn:jurnalsync:problem:nothing-to-{what}",
        "It is in Jurnal already.",
    )
    unknown = await problem_of(api, "POST", of_store(f"sync/sale-009/{what}"), json=OWNER)
    assert (unknown.status, unknown.type) == (404, "urn:jurnalsync:problem:unknown-record")
    for nobody in ({**OWNER, "actor": " "}, {"actor": "owner"}):
        assert (await problem_of(api, "POST", of_store(f"sync/sale-002/{what}"), json=nobody)).status == 422
    assert len(shop.decisions) == 1


async def test_a_record_whose_id_needs_escaping_is_found(api: Client) -> None:
    """Ids of iSeller may hold anything; a slash in one is no other path."""
    refusal = await problem_of(api, "POST", of_store("sync/payment-a%2Fb%23c/retry"), json=OWNER)
    assert refusal.type == "urn:jurnalsync:problem:unknown-record"


async def test_all_records_of_a_filter_are_retried_a_bounded_number_a_call(api: Client, shop: Shop) -> None:
    """Failed ones unless others are named; the answer says how many are left and where to go on."""
    answer = await posted(api, "sync/retry", OWNER)
    assert answer == {
        "retried": ["sale-002"],
        "untouched": {"sale-009": "It is no use."},
        "left": 3,
        "next": "-4~sale~1",
    }
    await posted(
        api, "sync/retry", {**OWNER, "statuses": ["Held"], "outlet": "Main Outlet", "after": answer["next"], "limit": 9}
    )
    assert shop.retries == [
        (SyncFilter(statuses=("Failed",)), None, 500, Decision("owner", "month end")),
        (
            SyncFilter(statuses=("Held",), outlet="Main Outlet"),
            SyncPlace(-4, "sale~1"),
            9,
            Decision("owner", "month end"),
        ),
    ]
    for wrong in ({"limit": 501}, {"statuses": ["Parked"]}, {"after": "sale-1"}, {"everything": True}):
        assert (await problem_of(api, "POST", of_store("sync/retry"), json={**OWNER, **wrong})).status == 422


async def test_what_waits_is_sent_by_hand_for_a_range_of_dates(api: Client, shop: Shop) -> None:
    """The request is a fact; asked again it is another one, which is harmless."""
    for position in (42, 43):
        assert await posted(api, "sync-requests", SYNC) == {"position": position, "retried": 2, "left": 0}
    assert shop.sync_requests[0] == (STORE, "sales", date(2026, 8, 1), TODAY, Decision("owner", "month end"))


@pytest.mark.parametrize(
    "changed", [{"last": "2026-07-31"}, {"scope": "orders"}, {"first": "yesterday"}, {"reason": " "}, {"actor": ""}]
)
async def test_a_sync_that_cannot_be_meant_is_refused_and_asks_for_nothing(
    api: Client, shop: Shop, changed: dict[str, str]
) -> None:
    """Dates the wrong way round, another scope, nobody's name or no reason."""
    assert (await problem_of(api, "POST", of_store("sync-requests"), json={**SYNC, **changed})).status == 422
    assert shop.sync_requests == []


async def test_a_paused_store_says_so_wherever_one_looks(api: Client) -> None:
    """By whom, why and since when, beside the list and on the store's own page, until it is resumed."""
    assert await posted(api, "pause", OWNER) == {"position": 9}
    paused = {"position": 9, "since": "2026-08-10T03:00:00Z", "actor": "owner", "reason": "month end"}
    assert (await page_of(api, of_store("sync")))["paused"] == paused
    assert (await page_of(api, f"/v1/stores/{STORE}"))["paused"] == paused
    assert await posted(api, "resume", OWNER) == {"position": 10}
    assert (await page_of(api, of_store("sync")))["paused"] is None


async def test_a_store_says_what_iseller_still_owes_it(api: Client) -> None:
    """By day, with what should have been paid out by now, and whether it is live."""
    assert await page_of(api, f"/v1/stores/{STORE}") == {
        "store": STORE,
        "today": "2026-08-10",
        "live_mode": None,
        "paused": None,
        "unsettled_total": "2000.5",
        "unsettled": [
            {"date": "2026-08-02", "amount": "1500.5", "overdue": True},
            {"date": "2026-08-10", "amount": "500", "overdue": False},
        ],
    }
