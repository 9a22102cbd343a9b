"""The poller and the client against the sandbox iSeller, on one clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from eventstore.facts.registry import REPORT_KINDS
from ops.sandbox.iseller.server import IsellerSandbox
from ops.sandbox.iseller.settings import IsellerSettings
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.scenario import KOPI_NUSANTARA
from ops.sandbox.traffic import apply, generate
from ops.sandbox.traffic_events import Event, MemberChanged, OrderCompleted, OrderFulfilled, OrderPaid
from service.iseller.client import GET_OUTLETS, GET_STORE_INFO, IsellerClient
from service.iseller.cursor import PollCursors
from service.iseller.endpoint_pass import EndpointPass
from service.iseller.envelope import IsellerError
from service.iseller.poll import POLLED, IsellerConnection, Poller, PollSettings
from service.iseller.routes import WEBHOOK_TYPES, IntakeDependencies, intake_routes
from tests.integration.iseller_room import NOW, STORE, Room, open_room

API_KEY = "made-up-api-key"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Branch:
    """A room with a sandbox iSeller behind it."""

    def __init__(self, room: Room, sandbox: IsellerSandbox, session: ClientSession) -> None:
        self.room = room
        self.sandbox = sandbox
        self.shop = sandbox.shop
        self.session = session
        self.url = ""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.broken: set[str] = set()
        self.before_answer: Callable[[str], None] = lambda _endpoint: None

    @property
    def client(self) -> IsellerClient:
        """A client as a process of its own would have it."""
        return IsellerClient(self.session, self.room.credentials, self.room.pool, self.room.clock)

    def poller(self, **settings: int) -> Poller:
        """Return a poller that has just started."""
        chosen = PollSettings(**settings)
        endpoint_pass = EndpointPass(
            self.client, self.room.intake, self.room.reader, PollCursors(self.room.pool), chosen
        )
        return Poller(endpoint_pass, self.room.clock, self.connection, chosen)

    async def connection(self, store_id: str) -> IsellerConnection | None:
        """Return where the one connected store's iSeller stands."""
        return IsellerConnection(url=self.url, time_zone="Asia/Jakarta") if store_id == STORE else None

    def play(self, *kinds: type[Event], orders: int = 12, seconds_between: float = 60) -> None:
        """Let a shop's events of these kinds happen, the clock moving on after each."""
        for event in generate(KOPI_NUSANTARA, 7, orders, NOW.date()).events:
            if not kinds or isinstance(event, kinds):
                apply(event, self.shop)
                self.room.clock.advance(timedelta(seconds=seconds_between))

    async def types(self) -> dict[str, int]:
        """Return how many facts of each type there are."""
        found: dict[str, int] = {}
        for fact in await self.room.facts():
            found[fact.type] = found.get(fact.type, 0) + 1
        return found

    def calls(self, endpoint: str) -> list[dict[str, str]]:
        """Return the forms that were sent to an endpoint so far."""
        return [form for path, form in self.asked if path.endswith(endpoint)]

    @web.middleware
    async def overhear(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note every call; an endpoint may be broken, or something may happen while it is asked."""
        endpoint = request.path.rsplit("/", 1)[-1]
        self.asked.append((request.path, {name: str(value) for name, value in (await request.post()).items()}))
        if endpoint in self.broken:
            return web.Response(status=502, text="made-up outage")
        self.before_answer(endpoint)
        return await handler(request)


@pytest.fixture
async def branch(database_url: str) -> AsyncIterator[Branch]:
    """Give a connected store whose iSeller has no token for us yet."""
    async with open_room(database_url) as room, ClientSession() as session:
        settings = IsellerSettings(
            store=STORE,
            api_key=API_KEY,
            client_id="made-up-client",
            client_secret="made-up-secret",
            service_url="",
        )
        now = room.clock.now
        opened = Branch(room, IsellerSandbox(settings, Shop(KOPI_NUSANTARA, now), now), session)
        application = b'{"client_id":"made-up-client","client_secret":"made-up-secret"}'
        await room.credentials.write(STORE, "iseller-oauth", application, updated_at=NOW)
        app = opened.sandbox.app()
        app.middlewares.append(opened.overhear)
        async with TestServer(app) as server:
            opened.url = str(server.make_url("")).rstrip("/")
            yield opened


async def _serve_webhooks(branch: Branch, poller: Poller) -> TestServer:
    async def api_key_of(_store_id: str) -> bytes | None:
        return API_KEY.encode()

    dependencies = IntakeDependencies(
        intake=branch.room.intake, clock=branch.room.clock, api_key_of=api_key_of, wake_poller=poller.wake
    )
    app = web.Application()
    app.router.add_routes(intake_routes(dependencies))
    server = TestServer(app)
    await server.start_server()
    branch.sandbox.settings.service_url = str(server.make_url("")).rstrip("/")
    return server


async def _deliver(branch: Branch) -> None:
    for _ in range(100):
        delivered = await branch.sandbox.deliver_due(branch.session)
        assert (delivered.refused, delivered.unanswered) == (0, 0)
        if delivered.pending == 0:
            return
    raise AssertionError("webhooks are still pending")


async def test_what_iseller_does_not_push_is_read(branch: Branch) -> None:
    """Transfers and shifts come in, and orders and transactions once more."""
    branch.play()
    polled = await branch.poller(pages_per_step_max=50).step(STORE)
    assert (polled.due, polled.finished, polled.errors) == (True, True, {})
    assert await branch.types() == {
        "OrderReported": len(branch.shop.orders),
        "TransactionReported": sum(len(order.payments) for order in branch.shop.orders.values()),
        "TransferReported": len(branch.shop.transfers),
        "RegisterShiftReported": len(branch.shop.shifts),
        "ProductReported": len(KOPI_NUSANTARA.products),
    }


async def test_products_are_read_from_the_first_and_then_once_a_day(branch: Branch) -> None:
    """However long ago they were entered; each reading of their stock would be a fact of its own."""
    poller = branch.poller()
    assert (await poller.step(STORE)).endpoints["GetProducts"].appended == len(KOPI_NUSANTARA.products)
    for _ in range(23):
        branch.room.clock.advance(timedelta(hours=1))
        assert "GetProducts" not in (await poller.step(STORE)).endpoints
    branch.room.clock.advance(timedelta(hours=1))
    assert (await poller.step(STORE)).endpoints["GetProducts"].appended == 0
    first, last = branch.calls("GetProducts")
    assert first["modified_after"] < "2011-01-01"
    assert last["modified_after"] > "2026-11-19"


async def test_orders_are_asked_for_with_every_part_in_utc(branch: Branch) -> None:
    """All includes, a bound on creation, UTC moments without an offset, and the store's offset in hours."""
    await branch.poller().step(STORE)
    (form,) = branch.calls("GetOrders")
    assert form["time_zone"] == "7"
    assert form["modified_after"] == "2026-11-11T02:54:19"
    assert form["created_after"] < form["modified_after"]
    assert len(form["includes"].split(",")) == 9


async def test_webhook_and_poll_of_the_same_content_are_one_fact(branch: Branch) -> None:
    """What the sandbox pushed, a poll finds again without a new fact: order for order, byte for byte."""
    poller = branch.poller(pages_per_step_max=50)
    branch.play(MemberChanged, OrderCompleted)
    async with await _serve_webhooks(branch, poller):
        await _deliver(branch)
    assert (await branch.types())["OrderReported"] == len(branch.shop.orders)
    polled = await poller.step(STORE)
    assert polled.endpoints["GetOrders"].duplicates >= len(branch.shop.orders)
    assert polled.endpoints["GetOrders"].appended == 0


async def test_lost_webhooks_are_made_up_for_by_the_poll(branch: Branch) -> None:
    """Orders whose webhooks never came are in the ledger after it, with their payments and fulfilments."""
    branch.sandbox.settings.lose_share = {"order": 0.3, "fulfillment": 0.3}
    poller = branch.poller(pages_per_step_max=50)
    branch.play(OrderCompleted, OrderPaid, OrderFulfilled, orders=30)
    async with await _serve_webhooks(branch, poller):
        await _deliver(branch)
    assert branch.sandbox.outbox.lost
    await poller.step(STORE)
    streams = {fact.stream_id for fact in await branch.room.facts() if fact.type == "OrderReported"}
    assert streams == {f"order-{order_id}" for order_id in branch.shop.orders}


async def test_a_thin_order_wakes_the_poller_which_reads_the_whole(branch: Branch) -> None:
    """Woken, the store is due before its interval, but not at once again."""
    branch.sandbox.settings.body = "thin"
    poller = branch.poller()
    await poller.step(STORE)
    branch.play(OrderCompleted, orders=1, seconds_between=2)
    assert not (await poller.step(STORE)).due
    async with await _serve_webhooks(branch, poller):
        await _deliver(branch)
    polled = await poller.step(STORE)
    assert (polled.due, polled.woken, polled.endpoints["GetOrders"].appended) == (True, True, 1)
    assert (await branch.types())["OrderReported"] == 2
    poller.wake(STORE)
    assert not (await poller.step(STORE)).due
    branch.room.clock.advance(timedelta(seconds=1))
    assert (await poller.step(STORE)).due


async def test_a_store_is_due_once_an_interval(branch: Branch) -> None:
    """Between two polls nothing is asked; a store that is not connected is never due."""
    poller = branch.poller(interval_seconds=60)
    assert (await poller.step(STORE)).due
    branch.room.clock.advance(timedelta(seconds=59))
    assert not (await poller.step(STORE)).due
    branch.room.clock.advance(timedelta(seconds=1))
    assert (await poller.step(STORE)).due
    assert not (await poller.step("somebody-else")).due


async def test_the_cursor_survives_a_restart(branch: Branch) -> None:
    """A new process asks from where the last one stopped, minus the overlap, and never further back."""
    branch.play(OrderCompleted)
    await branch.poller().step(STORE)
    stopped_at = branch.room.clock.now()
    branch.room.clock.advance(timedelta(hours=5))
    branch.asked.clear()
    await branch.poller().step(STORE)
    (form,) = branch.calls("GetOrders")
    assert form["modified_after"] == f"{stopped_at - timedelta(seconds=601):%Y-%m-%dT%H:%M:%S}"


async def test_the_cursor_never_goes_back(branch: Branch) -> None:
    """Whatever a late process writes, what was read stays read."""
    cursors = PollCursors(branch.room.pool)
    await cursors.begin_pass(STORE, "GetOrders", reading_after=NOW, swept_on=NOW.date())
    await cursors.move(STORE, "GetOrders", modified_after=NOW + timedelta(hours=1), reading_after=None)
    await cursors.move(STORE, "GetOrders", modified_after=NOW, reading_after=None)
    cursor = await cursors.read(STORE, "GetOrders")
    assert cursor is not None
    assert cursor.modified_after == NOW + timedelta(hours=1)


@pytest.mark.parametrize("seconds_between", [0, 1, 300])
async def test_a_long_list_is_read_over_several_steps(branch: Branch, seconds_between: int) -> None:
    """Every step is bounded, an unfinished store is due at once, and a process may be replaced in between."""
    branch.play(OrderCompleted, orders=30, seconds_between=seconds_between)
    branch.room.clock.advance(timedelta(seconds=1))
    poller = branch.poller(page_facts_max=4, pages_per_step_max=5)
    for number in range(100):
        polled = await poller.step(STORE)
        assert polled.due
        if polled.finished:
            break
        if number == 5:
            poller = branch.poller(page_facts_max=4, pages_per_step_max=5)
    assert polled.finished
    assert (await branch.types())["OrderReported"] == len(branch.shop.orders)


async def test_orders_that_change_while_a_list_is_read_hide_no_others(branch: Branch) -> None:
    """A changed order leaves its place in the list; the one behind it must not slip between two pages."""
    branch.play(OrderCompleted, orders=30, seconds_between=60)
    waiting = list(branch.shop.orders.values())

    def change_the_oldest(endpoint: str) -> None:
        if endpoint == "GetOrders" and waiting:
            waiting.pop(0).modified_at = branch.room.clock.now()

    branch.before_answer = change_the_oldest
    poller = branch.poller(page_facts_max=4)
    while not (await poller.step(STORE)).finished:
        branch.room.clock.advance(timedelta(seconds=1))
    streams = {fact.stream_id for fact in await branch.room.facts() if fact.type == "OrderReported"}
    assert streams == {f"order-{order_id}" for order_id in branch.shop.orders}


async def test_the_sweep_reads_nine_days_once_a_night(branch: Branch) -> None:
    """After 02:00 of the store's time (19:00 UTC) everything of nine days is read again, then no more that day."""
    branch.play(OrderCompleted)
    poller = branch.poller()
    await poller.step(STORE)
    reaches: list[int] = []
    for hours_utc in (18, 19, 20):
        branch.room.clock.advance(NOW.replace(hour=hours_utc, minute=30) - branch.room.clock.now())
        branch.asked.clear()
        await poller.step(STORE)
        asked_from = datetime.fromisoformat(branch.calls("GetOrders")[0]["modified_after"]).replace(tzinfo=UTC)
        reaches.append((branch.room.clock.now() - asked_from).days)
    assert reaches == [0, 9, 0]


async def test_polled_transactions_say_whose_time_they_are_in(branch: Branch) -> None:
    """GetTransactions writes the store's wall clock; the metadata says so, and that of orders does not."""
    branch.play(OrderCompleted)
    await branch.poller().step(STORE)
    zones = {
        fact.type: msgspec.json.decode(fact.metadata).get("time_zone", "UTC") for fact in await branch.room.facts()
    }
    assert zones == {"OrderReported": "UTC", "TransactionReported": 7, "ProductReported": "UTC"}


async def test_an_endpoint_that_fails_stops_no_other(branch: Branch) -> None:
    """Its error is told, its cursor stays, and the next poll reads what it missed."""
    branch.play()
    branch.broken.add("GetTransactions")
    poller = branch.poller(pages_per_step_max=50)
    polled = await poller.step(STORE)
    assert polled.errors == {"GetTransactions": "GetTransactions answered HTTP 502"}
    assert "TransactionReported" not in await branch.types()
    assert "TransferReported" in await branch.types()
    branch.broken.clear()
    branch.room.clock.advance(timedelta(minutes=1))
    assert (await poller.step(STORE)).endpoints["GetTransactions"].appended > 0


async def test_status_false_is_an_error_with_isellers_words(branch: Branch) -> None:
    """HTTP 200 does not make it an answer."""
    with pytest.raises(IsellerError, match="time_zone is required"):
        await branch.client.read_page(STORE, branch.url, GET_OUTLETS, {})


async def test_outlets_and_store_are_read_whatever_the_case(branch: Branch) -> None:
    """The live API says Outlets where the manual's style would be outlets."""
    page = await branch.client.read_page(STORE, branch.url, GET_OUTLETS, {"time_zone": "7"})
    assert len(page.objects) == len(KOPI_NUSANTARA.outlets)
    store = await branch.client.read_object(STORE, branch.url, GET_STORE_INFO, {})
    assert store["currency"] == "IDR"


async def test_a_refresh_token_is_spent_once_however_many_need_it(branch: Branch) -> None:
    """Eight readers of one expired token make one refresh, and all of them read."""
    await branch.client.read_page(STORE, branch.url, GET_OUTLETS, {"time_zone": "7"})
    branch.sandbox.tokens.revoke_access()
    branch.asked.clear()
    pages = await asyncio.gather(
        *(branch.client.read_page(STORE, branch.url, GET_OUTLETS, {"time_zone": "7"}) for _ in range(8))
    )
    assert [len(page.objects) for page in pages] == [len(KOPI_NUSANTARA.outlets)] * 8
    assert [form["grant_type"] for form in branch.calls("token")] == ["refresh_token"]


async def test_a_token_is_renewed_before_it_expires(branch: Branch) -> None:
    """Within its last minute it is not used any more, so no call is lost to it."""
    await branch.client.read_page(STORE, branch.url, GET_OUTLETS, {"time_zone": "7"})
    branch.room.clock.advance(timedelta(seconds=branch.sandbox.settings.access_token_seconds - 60))
    branch.asked.clear()
    await branch.client.read_page(STORE, branch.url, GET_OUTLETS, {"time_zone": "7"})
    assert [path.rsplit("/", 1)[-1] for path, _ in branch.asked] == ["token", "GetOutlets"]


async def test_a_refresh_token_that_was_lost_on_the_way_is_replaced(branch: Branch) -> None:
    """Spent by an attempt that was never stored, it is refused; the application's own grant goes on."""
    stored = msgspec.json.encode(
        {"access_token": "gone", "refresh_token": "spent", "expires_at": NOW, "resource_url": branch.url}
    )
    await branch.room.credentials.write(STORE, "iseller-token", stored, updated_at=NOW)
    await branch.client.read_page(STORE, branch.url, GET_OUTLETS, {"time_zone": "7"})
    assert [form["grant_type"] for form in branch.calls("token")] == ["refresh_token", "client_credentials"]


async def test_a_wrong_client_secret_is_an_error_without_the_secret(branch: Branch) -> None:
    """It says what to do, and the poll of every endpoint reports it."""
    wrong = b'{"client_id":"made-up-client","client_secret":"wrong-secret"}'
    await branch.room.credentials.write(STORE, "iseller-oauth", wrong, updated_at=NOW)
    polled = await branch.poller().step(STORE)
    assert len(polled.errors) == 5
    assert all("connect the store again" in error for error in polled.errors.values())
    assert "wrong-secret" not in str(polled.errors)


async def test_an_unreachable_iseller_is_an_error_of_that_poll(branch: Branch) -> None:
    """Nothing is raised and nothing moves; the next interval tries again."""
    branch.url = "http://127.0.0.1:1"
    polled = await branch.poller().step(STORE)
    assert set(polled.errors.values()) == {"no answer from iSeller: ClientConnectorError"}


def test_what_no_webhook_brings_is_polled() -> None:
    """Every kind of report has a way in."""
    assert {kind.name for _, kind in POLLED} | set(WEBHOOK_TYPES) == set(REPORT_KINDS)
