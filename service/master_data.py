"""Looks up once what commands name in Jurnal's master data, and remembers it as facts."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, get_args
from urllib.parse import quote

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.event import NewFact
from eventstore.facts.answers import Document, MasterDataFound
from eventstore.facts.canonical import canonical_digest
from eventstore.facts.registry import decode, encode
from eventstore.facts.settings import SETTINGS_STREAM, BooksClosed
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.jurnal_commands.identity import customer_command_id
from projections.jurnal_commands.queue import SendQueue
from service.jurnal.exchange import API, JurnalRequest, NoAnswer, Response
from service.jurnal.needs import Known, Need
from service.jurnal.pace import Purpose
from service.jurnal.reading import read_last_closed_day
from service.jurnal_calls import Company, JurnalCalls
from service.quota import Spent

_READ = statement(__package__, "read_master_data")
# Where a thing is searched for by its key, one call each, instead of reading a list that may be long or personal.
_SEARCHES: Mapping[str, str] = {"contact": "get_person", "product": "get_product"}
_COMPANY = f"{API}/companies/active"
# What stands in the ledger when a closing was taken back: nothing is that old.
_NEVER_CLOSED = date.min
_SETTING_FACTS_MAX = 100_000
_PAGES_MAX = 500
_PAGE_SIZE = 100
# Jurnal cuts the page size it is asked for without a word; no list is known to go below this.
_PAGE_SIZE_LEAST = 10
_LISTS: Mapping[str, tuple[str, str]] = {
    "account": ("accounts", "accounts"),
    "payment_method": ("payment_methods", "payment_methods"),
    "tax": ("taxes", "company_taxes"),
    "warehouse": ("warehouses", "warehouses"),
}


class LookupFailed(msgspec.Struct, frozen=True):
    """The look-up could not be made; `wait` tells whether the quota was spent."""

    reason: str
    wait: Spent | None = None


class Missing(msgspec.Struct, frozen=True):
    """Jurnal has no such things."""

    needs: tuple[Need, ...]


class MasterDataDirectory:
    """Answers needs from memory, then from the projection, then from Jurnal."""

    def __init__(self, pool: Pool, appender: Appender, queue: SendQueue, calls: JurnalCalls, clock: Clock) -> None:
        self._pool = pool
        self._reader = LedgerReader(pool)
        self._appender = appender
        self._queue = queue
        self._calls = calls
        self._clock = clock
        self._known: dict[str, dict[Need, Known]] = {}
        self._categories: dict[str, dict[Need, str]] = {}
        self._spellings: dict[str, dict[Need, str]] = {}
        self._next_page: dict[tuple[str, str], int] = {}
        self._searched: dict[tuple[str, str], set[str]] = {}
        self._named_methods: set[tuple[str, str]] = set()

    async def resolve(
        self, store_id: str, company: Company, needs: Sequence[Need]
    ) -> dict[Need, Known] | Missing | LookupFailed:
        """Return Jurnal's ids for `needs`. A payment method may be absent: Jurnal makes it when it is named."""
        known = await self._load(store_id)
        for need in needs:
            if need.kind == "customer" and need not in known:
                await self._learn_customer(store_id, need)
        for kind in dict.fromkeys(need.kind for need in needs if _trimmed(need) not in known):
            if kind == "customer":
                continue
            keys = [need.key.strip() for need in needs if need.kind == kind and _trimmed(need) not in known]
            if kind == "payment_method" and self._named_methods.issuperset((store_id, key) for key in keys):
                continue
            failed = await self.look_up(store_id, company, kind, keys)
            if failed is not None:
                return failed
            if kind == "payment_method":
                # Jurnal has it from the first payment on that names it: the name goes on being enough.
                self._named_methods |= {(store_id, key) for key in keys if Need(kind, key) not in known}
        found = {need: thing for need in needs if (thing := known.get(need) or known.get(_trimmed(need))) is not None}
        missing = tuple(need for need in needs if need not in found and need.kind != "payment_method")
        return Missing(missing) if missing else found

    def category(self, store_id: str, need: Need) -> str | None:
        """Return the category of an account that was resolved before, e.g. `Cash & Bank`."""
        return self._categories.get(store_id, {}).get(need)

    def spelling(self, store_id: str, need: Need) -> str | None:
        """Return how Jurnal spells a product's code that this process found with white space around it."""
        return self._spellings.get(store_id, {}).get(_trimmed(need))

    async def books_closed(
        self, store_id: str, company: Company, purpose: Purpose = Purpose.FRESH
    ) -> date | LookupFailed | None:
        """Return the last day of the closed books, as Jurnal says now; the ledger learns it where it did not know."""
        answer = await self._page(company, _COMPANY, purpose)
        if isinstance(answer, LookupFailed):
            return answer
        until = read_last_closed_day(answer.get("company"))
        await self.note_books_closed(store_id, until)
        return until

    async def note_books_closed(self, store_id: str, until: date | None) -> None:
        """Let the ledger learn the last day of the closed books where it did not know; None: all are open."""
        known = None
        for fact in await self._reader.read_stream(store_id, SETTINGS_STREAM, facts_max=_SETTING_FACTS_MAX):
            if fact.type == BooksClosed.__name__:
                meaning = decode(fact)
                assert isinstance(meaning, BooksClosed)
                known = meaning.until
        if (until or _NEVER_CLOSED) != (known or _NEVER_CLOSED):
            await self._close_books(store_id, until or _NEVER_CLOSED)

    async def _close_books(self, store_id: str, until: date) -> None:
        name, version, body = encode(BooksClosed(until=until))
        now = self._clock.now()
        closed = NewFact(
            stream_id=SETTINGS_STREAM,
            type=name,
            schema_version=version,
            # Books may be closed, opened and closed up to the same day again.
            source_id=f"books-closed:{until}:{now.isoformat()}",
            observed_at=now,
            body=body,
        )
        await self._appender.append(store_id, [closed])

    async def look_up(self, store_id: str, company: Company, kind: str, keys: Sequence[str]) -> LookupFailed | None:
        """Ask Jurnal for all things of one kind (contacts by name, products by code: for `keys`) and remember them."""
        if kind not in _SEARCHES:
            return await self._look_through(store_id, company, kind)
        # Going on behind what was asked before the quota was spent, or many absent keys would never come to an end.
        searched = self._searched.setdefault((store_id, kind), set())
        for key in keys:
            if key in searched:
                continue
            failed = await self._search(store_id, company, kind, key)
            if failed is not None:
                return failed
            searched.add(key)
        self._searched.pop((store_id, kind), None)
        return None

    async def _search(self, store_id: str, company: Company, kind: str, key: str) -> LookupFailed | None:
        """Remember the one thing whose key is exactly `key`; what else the search finds is none of our concern."""
        start = self._next_page.pop((store_id, f"{kind}:{key}"), 1)
        for page in range(start, _PAGES_MAX + 1):
            path = f"{API}/select2_resources/{_SEARCHES[kind]}?q={quote(key, safe='')}&page={page}"
            answer = await self._page(company, path)
            if isinstance(answer, LookupFailed):
                self._next_page[store_id, f"{kind}:{key}"] = page
                return answer
            rows = answer.get("data", ())
            exact = [found for found in (_found(kind, row) for row in rows) if found.key == key.strip()]
            await self._remember(store_id, exact[:1])
            for row in rows if kind == "product" else ():
                code = str(row.get("product_code") or "")
                if code != code.strip() == key.strip():
                    self._spellings.setdefault(store_id, {})[Need("product", key.strip())] = code
            if exact or not rows or answer.get("more") is not True:
                break
        return None

    async def _look_through(self, store_id: str, company: Company, kind: str) -> LookupFailed | None:
        """Read a list page by page, going on where a spent quota stopped it: a long one takes several windows."""
        plural, array = _LISTS[kind]
        seen: set[object] = set()
        start = self._next_page.pop((store_id, kind), 1)
        for page in range(start, _PAGES_MAX + 1):
            answer = await self._page(company, f"{API}/{plural}?page={page}&page_size={_PAGE_SIZE}")
            if isinstance(answer, LookupFailed):
                self._next_page[store_id, kind] = page
                return answer
            rows = answer.get(array, ())
            await self._remember(store_id, [_found(kind, row) for row in rows])
            ids = {row["id"] for row in rows}
            # A list that is not cut into pages answers the same to every page.
            if ids <= seen or _is_last(answer, page, len(rows), len(ids | seen) if start == 1 else None):
                break
            seen |= ids
        return None

    async def _page(
        self, company: Company, path: str, purpose: Purpose = Purpose.FRESH
    ) -> dict[str, Any] | LookupFailed:
        answer = await self._calls.read(company, JurnalRequest(method="GET", path=path), purpose)
        match answer:
            case Spent():
                return LookupFailed(answer.reason, answer)
            case NoAnswer():
                return LookupFailed(answer.reason)
            case Response() if answer.status == 200:
                try:
                    return msgspec.json.decode(answer.body, type=dict[str, Any])
                except msgspec.DecodeError:
                    return LookupFailed("Jurnal's answer cannot be read")
            case Response():
                return LookupFailed(f"Jurnal answered {answer.status} to a look-up")

    async def _remember(self, store_id: str, found: Sequence[MasterDataFound]) -> None:
        known = await self._load(store_id)
        now = self._clock.now()
        facts = []
        for thing in found:
            need = Need(thing.kind, thing.key)
            if thing.category is not None:
                self._categories.setdefault(store_id, {})[need] = thing.category
            if not thing.key or known.get(need) == Known(thing.jurnal_id, thing.name):
                continue
            known[need] = Known(thing.jurnal_id, thing.name)
            name, version, body = encode(thing)
            stream = f"jurnal-{thing.kind}-{thing.key}"
            facts.append(
                NewFact(
                    stream_id=stream,
                    type=name,
                    schema_version=version,
                    source_id=f"{stream}:{canonical_digest(body)}",
                    observed_at=now,
                    body=body,
                )
            )
        for start in range(0, len(facts), 500):
            await self._appender.append(store_id, facts[start : start + 500])

    async def _load(self, store_id: str) -> dict[Need, Known]:
        if store_id not in self._known:
            records = await self._pool.fetch(_READ, store_id)
            self._known[store_id] = {
                Need(record["kind"], record["key"]): Known(record["jurnal_id"], record["name"]) for record in records
            }
            self._categories[store_id] = {
                Need(record["kind"], record["key"]): record["category"] for record in records if record["category"]
            }
        return self._known[store_id]

    async def _learn_customer(self, store_id: str, need: Need) -> None:
        body = await self._queue.document_of(store_id, customer_command_id(store_id, need.key))
        if body is not None:
            document = msgspec.json.decode(body, type=Document, strict=False)
            self._known[store_id][need] = Known(document.jurnal_id, "")


def _trimmed(need: Need) -> Need:
    """White space around a name or code is nobody's intention: neither in iSeller nor in Jurnal."""
    return Need(need.kind, need.key.strip())


def _is_last(answer: Mapping[str, Any], page: int, rows: int, rows_so_far: int | None) -> bool:
    """Tell whether a page is its list's last. Some lists tell their pages, some their rows, some nothing at all."""
    pages, total = answer.get("total_pages"), answer.get("total_count")
    if isinstance(pages, int):
        return page >= pages
    if isinstance(total, int) and rows_so_far is not None:
        return rows_so_far >= total
    return rows < _PAGE_SIZE_LEAST


def _found(kind: str, row: Mapping[str, Any]) -> MasterDataFound:
    assert kind in get_args(MasterDataFound.__annotations__["kind"])
    key = row.get("product_code") if kind == "product" else row.get("name")
    if kind == "contact":
        key = row.get("display_name") or row.get("name") or row.get("text")
    category = row.get("category")
    return MasterDataFound(
        kind=kind,  # type: ignore[arg-type]  # asserted above
        key=str(key or "").strip(),
        jurnal_id=int(row["id"]),
        name=str(row.get("name") or key or ""),
        category=category if isinstance(category, str) else None,
        rate=Decimal(str(row["rate"])) if kind == "tax" and row.get("rate") is not None else None,
    )
