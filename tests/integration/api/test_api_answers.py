"""What the API answers about a store, over real HTTP."""

from typing import Any

import msgspec
import pytest

from service.api import stores
from service.api.rows import (
    SYNC_STATUSES,
)
from tests.integration.api.shop import (
    BODY,
    RECORDS,
    STREAM,
    UNMAPPED,
    Client,
    Shop,
    a_fact,
    of_store,
    page_of,
    problem_of,
)


async def test_sync_shows_every_record_and_counts_every_status(api: Client) -> None:
    """The Accounting Sync list; a status without records counts 0."""
    page = await page_of(api, of_store("sync"))
    assert [record["record_id"] for record in page["records"]] == [record.record_id for record in RECORDS]
    assert page["records"][1] == {
        "record_id": "sale-002",
        "kind": "sale",
        "reference": "S-2",
        "outlet": "Main Outlet",
        "date": "2026-08-10",
        "amount": "1500.5",
        "status": "Failed",
        "reason": "the product is not known",
        "what_to_do": "add it in Jurnal",
        "documents": [
            {"resource": "sales_invoice", "jurnal_id": 2, "transaction_no": "INV-2", "status": None},
        ],
        "updated_position": 2,
    }
    assert page["counts"] == {**dict.fromkeys(SYNC_STATUSES, 0), "Success": 2, "Failed": 1, "Held": 1}
    assert (page["next"], page["paused"]) == (None, None)


@pytest.mark.parametrize(
    ("path", "rows", "key"),
    [
        ("sync?limit=1&status=&kind=sale", "records", "reference"),
        ("sync?limit=2", "records", "reference"),
        ("invoices?limit=2", "invoices", "order_reference"),
        ("in-transit?limit=1", "rows", "transfer_id"),
        ("differences?limit=2", "differences", "difference_id"),
        (f"streams/{STREAM}?limit=2", "facts", "version"),
    ],
)
async def test_following_next_reads_every_row_once(api: Client, path: str, rows: str, key: str) -> None:
    """Pages follow each other without a gap or a repeat, keep the filter, and end."""
    seen: list[Any] = []
    following: str | None = of_store(path)
    while following is not None:
        page = await page_of(api, following)
        assert page[rows]
        seen += [row[key] for row in page[rows]]
        following = page["next"]
    whole = await page_of(api, of_store(path.split("?", maxsplit=1)[0]))
    assert seen == [row[key] for row in whole[rows]]


async def test_differences_of_one_kind_come_with_what_to_do(api: Client) -> None:
    """Amounts as plain decimals on both sides, nothing where a side has none."""
    page = await page_of(api, of_store("differences?kind=unknown"))
    (row,) = page["differences"]
    assert (row["transaction_no"], row["ledger_amount"], row["jurnal_amount"]) == ("INV-4713", "20000", None)
    assert row["what_to_do"] == "Enter it"


async def test_goods_in_transit_come_with_totals_as_plain_decimals(api: Client) -> None:
    """Quantities are decimal strings without zeros at their end; what has arrived stands at "0"."""
    page = await page_of(api, of_store("in-transit"))
    assert page["rows"][0] == {
        "transfer_id": "t1",
        "transfer_number": "TO-t1",
        "sku": "BEAN",
        "sent": "5",
        "received": "2",
        "returned": "0",
        "rejected": "0",
        "in_transit": "3",
    }
    assert page["totals"] == {"BEAN": "6", "CUP": "3.5", "TEA": "0"}


async def test_an_unpaid_invoice_is_overdue_from_the_day_after_it_is_due(api: Client) -> None:
    """Overdue is derived at read from the store's own date; due today is still Open, and paid stays Paid."""
    page = await page_of(api, of_store("invoices"))
    statuses = [invoice["status"] for invoice in page["invoices"]]
    assert statuses == ["Open", "Open", "Overdue", "Overdue", "Partial", "Paid"]
    assert page["counts"] == {"Open": 2, "Partial": 1, "Paid": 1, "Overdue": 2}
    assert page["rounded"] == {"invoices": 2, "amount": "0.8"}
    assert page["today"] == "2026-08-10"
    assert page["invoices"][3] == {
        "order_reference": "S-4",
        "transaction_no": "INV-S-4",
        "date": "2026-07-11",
        "due_date": "2026-08-09",
        "total": "100",
        "paid": "40",
        "remaining": "60",
        "status": "Overdue",
    }


@pytest.mark.parametrize("status", ["Open", "Partial", "Paid", "Overdue"])
async def test_invoices_filtered_by_a_status_are_those_that_show_it(api: Client, status: str) -> None:
    """Filter, counts and rows derive Overdue alike."""
    whole = await page_of(api, of_store("invoices"))
    filtered = await page_of(api, of_store(f"invoices?status={status}"))
    assert filtered["invoices"] == [invoice for invoice in whole["invoices"] if invoice["status"] == status]
    assert len(filtered["invoices"]) == filtered["counts"][status] > 0


async def test_a_stream_shows_facts_as_stored_and_never_unsealed(api: Client) -> None:
    """Header, position, hash and exact body; personal values stay tokens and the sealed part stays away."""
    async with api.get(of_store(f"streams/{STREAM}?limit=1")) as response:
        answer = await response.read()
    assert BODY in answer
    assert b"ciphertext" not in answer
    (fact,) = msgspec.json.decode(answer)["facts"]
    assert (fact["position"], fact["version"], fact["type"]) == (10, 1, "OrderReported")
    assert fact["hash"] == "01" * 32
    assert fact["observed_at"] == "2026-08-10T03:00:00Z"
    assert fact["metadata"] == {"channel": "webhook"}
    assert fact["sealed"] is True


async def test_a_stream_without_facts_is_unknown_and_its_end_is_an_empty_page(api: Client) -> None:
    """A reader that waits at the end is no mistake; a misspelt name is."""
    assert (await problem_of(api, "GET", of_store("streams/order-9"))).type == "urn:jurnalsync:problem:unknown-stream"
    assert (await page_of(api, of_store(f"streams/{STREAM}?after_version=3")))["facts"] == []


async def test_a_page_of_large_facts_ends_before_its_byte_limit(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page holds as many facts as fit, at least one, and `next` goes on where it ended."""
    monkeypatch.setattr(stores, "STREAM_PAGE_BYTES_MAX", 1)
    page = await page_of(api, of_store(f"streams/{STREAM}"))
    assert [fact["version"] for fact in page["facts"]] == [1]
    assert [fact["version"] for fact in (await page_of(api, page["next"]))["facts"]] == [2]


async def test_a_body_that_is_no_json_is_shown_as_text(api: Client, shop: Shop) -> None:
    """An auditor sees whatever is stored, and the answer stays JSON."""
    shop.facts = [msgspec.structs.replace(a_fact(1), body=b"{torn")]
    page = await page_of(api, of_store(f"streams/{STREAM}"))
    assert page["facts"][0]["body"] == "{torn"


async def test_live_mode_waits_for_a_clean_preflight(api: Client, shop: Shop) -> None:
    """The refusal carries the findings with what to do, and nothing was switched on."""
    assert await page_of(api, of_store("preflight")) == {
        "ready": False,
        "findings": [msgspec.to_builtins(UNMAPPED)],
        "live_mode": None,
    }
    refusal = await problem_of(api, "POST", of_store("live-mode"), json={"actor": "owner"})
    assert (refusal.status, refusal.type) == (409, "urn:jurnalsync:problem:preflight-not-clean")
    assert refusal.findings == (UNMAPPED,)
    assert shop.live_mode is None


async def test_live_mode_activated_twice_is_activated_once(api: Client, shop: Shop) -> None:
    """The second call answers the first activation, whoever sends it."""
    shop.findings = ()
    answers = []
    for actor in ("owner", "accountant"):
        async with api.post(of_store("live-mode"), json={"actor": actor}) as response:
            assert response.status == 200
            answers.append(await response.json())
    assert answers[0] == {"position": 17, "activated_at": "2026-08-10T03:00:00Z", "actor": "owner"}
    assert answers[1] == answers[0]


async def test_live_mode_cannot_be_switched_off(api: Client) -> None:
    """There is a way on and none back; the answer says why."""
    refusal = await problem_of(api, "DELETE", of_store("live-mode"))
    assert (refusal.status, refusal.title) == (405, "Live Mode cannot be switched off")
    assert "missing in Jurnal" in refusal.detail
