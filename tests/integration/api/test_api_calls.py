"""What holds for every call of the API: the token, refusals, limits, and the description."""

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.api.responses import (
    InTransitPage,
    InvoicePage,
    PreflightReport,
    StorePage,
    StreamPage,
    SyncPage,
)
from tests.integration.api.shop import (
    STREAM,
    TOKEN,
    Client,
    Shop,
    every_route,
    of_store,
    page_of,
    problem_of,
    routes_over,
)


@pytest.mark.parametrize(
    "header",
    [None, "", f"Basic {TOKEN}", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN],
)
async def test_nothing_under_v1_answers_without_the_token(app: web.Application, header: str | None) -> None:
    """Every route there is answers 401 with the challenge, the description and unknown stores too."""
    headers = {} if header is None else {"Authorization": header}
    async with TestClient(TestServer(app), headers=headers) as client:
        for method, template in every_route(app):
            path = template.format(store="nobody", stream="none", record="none")
            async with client.request(method, path) as response:
                assert response.status == 401, (method, path)
                assert response.headers["WWW-Authenticate"].startswith('Bearer realm="jurnalsync"')
                assert TOKEN not in await response.text()


async def test_the_scheme_is_read_in_any_case(app: web.Application) -> None:
    """RFC 9110: `bearer` is `Bearer`."""
    async with TestClient(TestServer(app), headers={"Authorization": f"bearer {TOKEN}"}) as client:
        await page_of(client, of_store("sync"))


def test_an_empty_token_is_refused_before_anything_is_served(shop: Shop) -> None:
    """An empty token would be everybody's."""
    with pytest.raises(ValueError, match="JURNALSYNC_API_TOKEN"):
        routes_over(shop, "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "sync"),
        ("POST", "sync/retry"),
        ("POST", "sync/sale-1/retry"),
        ("POST", "sync/sale-1/skip"),
        ("POST", "pause"),
        ("POST", "resume"),
        ("GET", "in-transit"),
        ("GET", "invoices"),
        ("GET", f"streams/{STREAM}"),
        ("GET", "preflight"),
        ("POST", "live-mode"),
        ("POST", "sync-requests"),
        ("DELETE", "live-mode"),
    ],
)
async def test_an_unknown_store_is_a_problem_everywhere(api: Client, method: str, path: str) -> None:
    """404 in problem+json, whatever is asked of it; a name no store can have is unknown too."""
    for store in ("nobody", "%00"):
        address = f"/v1/stores/{store}/{path}".rstrip("/")
        refusal = await problem_of(api, method, address, json={"actor": "owner"})
        assert (refusal.status, refusal.type) == (404, "urn:jurnalsync:problem:unknown-store")


@pytest.mark.parametrize(
    "path",
    [
        "sync?status=Parked",
        "sync?status=Failed,Parked",
        "sync?status=Failed,",
        "sync?kind=Sale",
        "sync?first=yesterday",
        "sync?sort=oldest",
        "sync?after=sale-1",
        "sync?held_until=now",
        "sync?limit=0",
        "sync?limit=501",
        "sync?limit=many",
        "sync?page=2",
        "sync?limit=1&limit=2",
        "sync?after=%00",
        "invoices?status=Success",
        "in-transit?after_sku=BEAN",
        f"streams/{STREAM}?limit=101",
        f"streams/{STREAM}?after_version=-1",
    ],
)
async def test_a_parameter_that_means_nothing_is_refused(api: Client, path: str) -> None:
    """A misspelt filter must not answer everything; pages have a limit."""
    assert (await problem_of(api, "GET", of_store(path))).type == "urn:jurnalsync:problem:invalid-parameter"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"{}", 422),
        (b'{"actor":""}', 422),
        (b'{"actor":"  "}', 422),
        (b'{"actor":"owner","force":true}', 422),
        (b'{"actor":"' + b"x" * 5000 + b'"}', 413),
    ],
)
async def test_a_body_that_does_not_name_an_actor_activates_nothing(
    api: Client, shop: Shop, body: bytes, status: int
) -> None:
    """The fact of the activation says who did it, and a word nobody knows is not ignored."""
    shop.findings = ()
    assert (await problem_of(api, "POST", of_store("live-mode"), data=body)).status == status
    assert shop.live_mode is None


async def test_what_no_route_answers_is_a_problem_too(api: Client) -> None:
    """One shape for every refusal; 405 still names what is allowed."""
    assert (await problem_of(api, "GET", "/v2")).status == 404
    async with api.put(of_store("live-mode")) as response:
        assert (response.status, response.content_type) == (405, "application/problem+json")
        assert set(response.headers["Allow"].split(",")) == {"DELETE", "POST"}


async def test_a_lost_database_is_told_with_when_to_come_back(api: Client) -> None:
    """503, not 500: nothing is wrong with the call."""
    async with api.get("/v1/stores/unreachable/sync") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert (await response.json())["type"] == "urn:jurnalsync:problem:database-unreachable"


async def test_a_fault_of_ours_tells_the_caller_nothing_about_the_inside(api: Client) -> None:
    """The cause stands in the log; an exception's text may hold anything."""
    async with api.get("/v1/stores/broken/sync") as response:
        assert response.status == 500
        assert "very-private" not in await response.text()


async def test_the_description_and_the_routes_are_the_same_list(api: Client, app: web.Application) -> None:
    """Nothing is served undescribed and nothing described unserved, with every part of a path declared."""
    document = await page_of(api, "/v1/openapi.json")
    assert document["openapi"] == "3.1.0"
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    # HEAD comes with every GET and is described by it.
    assert described == {(method, path) for method, path in every_route(app) if method != "HEAD"}
    operations = [(path, operation) for path, methods in document["paths"].items() for operation in methods.values()]
    names = [operation["operationId"] for _, operation in operations]
    assert len(set(names)) == len(names)
    for path, operation in operations:
        declared = {part["name"] for part in operation["parameters"] if part["in"] == "path"}
        assert declared == {part.split("}")[0] for part in path.split("{")[1:]}
        assert "401" in operation["responses"]
        # A parameter in a query is absent or has a value; there is no null to send.
        assert "null" not in str(operation["parameters"])


async def test_every_reference_of_the_description_leads_somewhere(api: Client) -> None:
    """A generator of clients can read it, and no schema stands there unused."""
    async with api.get("/v1/openapi.json") as response:
        text = await response.text()
    schemas = msgspec.json.decode(text)["components"]["schemas"]
    referred = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert referred == set(schemas)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", StorePage),
        ("sync", SyncPage),
        ("in-transit", InTransitPage),
        ("invoices", InvoicePage),
        (f"streams/{STREAM}", StreamPage),
        ("preflight", PreflightReport),
    ],
)
async def test_an_answer_is_what_the_description_says(api: Client, path: str, kind: type[msgspec.Struct]) -> None:
    """The Struct that the description is made from reads the answer back, field by field."""
    document = await page_of(api, "/v1/openapi.json")
    template = f"/v1/stores/{{store}}/{path.replace(STREAM, '{stream}')}".rstrip("/")
    content = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"] == {"$ref": f"#/components/schemas/{kind.__name__}"}
    async with api.get(of_store(path).rstrip("/")) as response:
        answer = await response.read()
    msgspec.json.decode(answer, type=kind)
    assert set(msgspec.json.decode(answer)) == set(kind.__struct_fields__)
