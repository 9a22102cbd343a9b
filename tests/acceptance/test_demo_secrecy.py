"""No secret and no personal value stands anywhere in clear but inside iSeller and Jurnal."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.acceptance.demonstration import Running, open_folder, running_demo

pytestmark = pytest.mark.acceptance

STORE = "kopi-nusantara"
# Sealed by design: what stands there must be unreadable, and what is sealed cannot be searched.
SEALED_COLUMNS = {("facts", "sealed"), ("person_key", "wrapped_key"), ("credential", "sealed")}
# Members change their phones to numbers of this beginning, too.
PHONE_BEGINNING = "+62-000-55"


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    """Give a demo that has ended its days and still runs."""
    with open_folder() as parent, running_demo(parent / "demo") as running:
        yield running


@pytest.fixture(scope="module")
def forbidden(demo: Running) -> re.Pattern[str]:
    """Give a pattern of every secret and every personal value of the demo."""
    private = demo.folder / "private"
    secrets = [path.read_text().strip() for path in sorted(private.iterdir()) if path.suffix != ".toml"]
    secrets.append(demo.addresses["api_token"])
    people = [value for value in json.loads((demo.folder / "people.json").read_text()) if value != "Contoh"]
    assert len(secrets) == 5
    assert all(len(secret) >= 16 for secret in secrets)
    assert len(people) > 20
    words = [rf"\b{re.escape(word)}\b" if word[0].isalpha() else re.escape(word) for word in people]
    return re.compile("|".join([*map(re.escape, secrets), *words, re.escape(PHONE_BEGINNING)]))


def test_the_ledger_and_every_other_table_hold_none_in_clear(demo: Running, forbidden: re.Pattern[str]) -> None:
    """All columns of all tables but the sealed ones; and the sealed ones do hold what was sealed."""
    dumped, sealed = asyncio.run(_dump(demo.addresses["database"]))
    assert sealed > 20
    facts = [text for table, column, text in dumped if (table, column) == ("facts", "body")]
    assert any('"order_reference":"#3101-' in body for body in facts)
    assert any("customer_first_name" in body for body in facts)
    assert [(table, column, found[0]) for table, column, text in dumped if (found := forbidden.search(text))] == []


def test_the_logs_hold_none(demo: Running, forbidden: re.Pattern[str]) -> None:
    """Neither the service's nor Postgres' own."""
    logs = {
        path.name: path.read_text() for path in (demo.folder / "service.log", demo.folder / "postgres/postgres.log")
    }
    assert "service_started" in logs["service.log"]
    assert {name: forbidden.findall(text) for name, text in logs.items()} == {name: [] for name in logs}


def test_no_answer_of_the_api_holds_any(demo: Running, forbidden: re.Pattern[str]) -> None:
    """Every page of every question, every stream, the metrics and the refusals."""
    answers = asyncio.run(_answers(demo.addresses))
    assert len(answers) > 40
    assert any("OrderReported" in text for text in answers.values())
    assert any("jurnalsync_appended_facts_total" in text for text in answers.values())
    assert {url: found for url, text in answers.items() if (found := forbidden.findall(text))} == {}


def test_what_the_demo_shows_holds_no_name(demo: Running, forbidden: re.Pattern[str]) -> None:
    """The terminal shows one secret, the token of the throw-away API, and nobody's name."""
    assert set(forbidden.findall(demo.shown)) == {demo.addresses["api_token"]}


async def _dump(url: str) -> tuple[list[tuple[str, str, str]], int]:
    """Return table, column and text of every value that is not sealed, and how many sealed values there are."""
    connection = await asyncpg.connect(url)
    try:
        columns = await connection.fetch(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        dumped: list[tuple[str, str, str]] = []
        sealed = 0
        for table, column in columns:
            rows = await connection.fetch(f'SELECT "{column}" FROM "{table}"')  # noqa: S608 - names from the catalogue
            if (table, column) in SEALED_COLUMNS:
                sealed += sum(bool(row[0]) for row in rows)
            else:
                dumped += [(table, column, _text(row[0])) for row in rows if row[0] is not None]
    finally:
        await connection.close()
    return dumped, sealed


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


async def _answers(addresses: dict[str, str]) -> dict[str, str]:
    """Read everything the API tells, following every page."""
    headers = {"Authorization": f"Bearer {addresses['api_token']}"}
    store = f"/v1/stores/{STORE}"
    connection = await asyncpg.connect(addresses["database"])
    streams = [row[0] for row in await connection.fetch("SELECT DISTINCT stream_id FROM facts")]
    await connection.close()
    waiting = [f"{store}/{name}" for name in ("sync", "in-transit", "invoices", "preflight", "nothing")]
    waiting += [f"{store}/streams/{stream}" for stream in streams]
    waiting += ["/v1/openapi.json", "/v1/stores/nobody/sync"]
    answers: dict[str, str] = {}
    async with aiohttp.ClientSession() as session:
        while waiting:
            path = waiting.pop()
            async with session.get(addresses["api"] + path, headers=headers) as answer:
                answers[path] = await answer.text()
                following = json.loads(answers[path]).get("next")
                waiting += [following] if following else []
        async with session.get(addresses["operations"] + "/metrics") as answer:
            answers["/metrics"] = await answer.text()
        async with session.post(addresses["api"] + f"{store}/live-mode", headers=headers, data="{") as answer:
            answers["refusal"] = await answer.text()
    return answers
