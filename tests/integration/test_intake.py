"""The way in: what is appended, what is sealed, what is a duplicate, and what is kept although nobody can read it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from eventstore.connection import Pool
from eventstore.event import Fact
from eventstore.facts.incidents import IntegrityIncident, PayloadUnreadable
from eventstore.facts.registry import decode
from eventstore.store import LedgerReader
from service.iseller.intake import Intake
from service.iseller.sealing import original_payload
from tests.integration.iseller_room import (
    CUSTOMER_ID,
    ORDER_ID,
    PERSONAL,
    STORE,
    Room,
    as_body,
    open_room,
    order,
    payout,
    thin_order,
)


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Give an intake on an empty ledger."""
    async with open_room(database_url) as opened:
        yield opened


async def test_a_report_is_appended_once_and_a_repeat_answers_its_position(room: Room) -> None:
    """The same content is one fact, whatever its white space and spellings."""
    first = await room.take("order", order(channel="online"))
    again = order(channel="web", total_amount="55000.5000")
    again["remaining_on_account"] = again.pop("remaining_on_accoun")
    repeated = await room.take("order", json.dumps(again, indent=2).encode())
    assert (first.position, first.outcome) == (1, "appended")
    assert (repeated.position, repeated.outcome) == (1, "duplicate")
    assert [fact.stream_id for fact in await room.facts()] == [f"order-{ORDER_ID}"]


async def test_a_webhook_and_a_poll_of_the_same_content_are_one_fact(room: Room) -> None:
    """It does not matter through which door iSeller told it."""
    await room.take("order", order())
    assert [taken.outcome for taken in await room.poll("order", order())] == ["duplicate"]
    assert len(await room.facts()) == 1


async def test_a_thin_and_a_full_report_are_two_facts(room: Room) -> None:
    """A thin report says less, so it is another one, and it is marked as thin."""
    thin, full = await room.take("order", thin_order()), await room.take("order", order())
    assert [(taken.outcome, taken.thin) for taken in (thin, full)] == [("appended", True), ("appended", False)]


async def test_no_personal_value_stands_in_clear_in_a_row(room: Room) -> None:
    """Names, phones, e-mails, addresses and notes are tokens; the sealed part is ciphertext."""
    await room.take("order", order())
    await room.take("order", as_body(order())[:-20])
    await room.take("member", {"customer_id": CUSTOMER_ID, "first_name": "Sari", "email": "sari@example.com"})
    for fact in await room.facts():
        row = b"\n".join((fact.body, fact.sealed, fact.metadata, fact.stream_id.encode(), fact.source_id.encode()))
        assert [value for value in PERSONAL if value.encode() in row] == []


async def test_unsealing_a_full_order_gives_its_exact_bytes(room: Room) -> None:
    """Spaces, number spellings and key order come back as they came in."""
    body = (
        b'{ "note\\u0073": "caf\\u00e9 \xe2\x98\x95" ,'
        + as_body(order(total_amount=None))[1:-1].replace(b'"notes": "tanpa gula", "outlet_id"', b'"outlet_id"')
        + b', "total_order_amount": 55000.0000 }'
    )
    assert (await room.take("order", body)).outcome == "appended"
    (fact,) = await room.facts()
    assert b"caf" not in fact.body
    assert await room.unsealed(fact) == body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (as_body(order())[:-7], "body"),
        (as_body(order()).replace(b'"status"', b'"order_id": "x", "status"', 1), "order_id"),
        (as_body(order()).replace(b'"status"', b'"order\\u005fid": "x", "status"', 1), "order_id"),
        (as_body(order()).replace(b"Sari", b"Sar\xff"), "body"),
        (as_body(order()).replace(b"Sari", b"Sar\\u0000"), "body"),
        (as_body(order(total_amount=True)), "total_amount"),
        (as_body(order(total_amount="NaN")), "total_amount"),
        (as_body(order()).replace(b"55000.5", b"NaN"), "body"),
        (as_body(order()).replace(b"55000.5", b"1e999999999"), "total_amount"),
        (as_body(order()).replace(b"55000.5", b"1e99999999999999999999"), "body"),
        (as_body(order(total_amount="1e99999999999999999999")), "total_amount"),
        (as_body(order(total_amount="1e-50")), "total_amount"),
        (as_body(order(order_details=[{"quantity": [1]}])), "order_details.quantity"),
        (as_body(order(order_id="x" * 201)), "order_id"),
        (as_body(order(order_id=" ")), "order_id"),
        (as_body(order(transactions=[{"transaction_id": "Sari" * 51}])), "transactions.transaction_id"),
        (as_body(order(order_details=[{"notes": "Sari"}] * 2_001)), "body"),
        (as_body({"customer_first_name": "Sari"}), "order_id"),
        (b"[" * 5000 + b"]" * 5000, "body"),
        (as_body(["Sari"]), "body"),
        (b"", "body"),
    ],
)
async def test_a_body_that_cannot_be_read_is_kept_sealed_and_comes_back_exactly(
    room: Room, body: bytes, field: str
) -> None:
    """Nothing that iSeller signed is lost, and nothing of it stands in clear, not even in the reason."""
    taken = await room.take("order", body)
    assert (taken.outcome, taken.field) == ("unreadable", field)
    (fact,) = await room.facts()
    meaning = decode(fact)
    assert isinstance(meaning, PayloadUnreadable)
    assert (meaning.kind, meaning.field, meaning.reason) == ("order", taken.field, taken.reason)
    assert b"Sari" not in fact.body + fact.sealed
    assert original_payload(await room.unsealed(fact)) == body
    assert (await room.take("order", body)).position == taken.position
    assert len(await room.facts()) == 1


async def test_a_key_that_nobody_declared_is_not_named_in_a_reason(room: Room) -> None:
    """An undeclared key may itself be a name; the reason points at the nearest declared place."""
    body = as_body(order()).replace(b'"billing": {', b'"billing": {"Sari": 1, "Sari": 2, ')
    taken = await room.take("order", body)
    assert (taken.outcome, taken.field) == ("unreadable", "body")
    assert "Sari" not in taken.reason


async def test_an_erased_person_stays_erased(room: Room) -> None:
    """Old values cannot be opened, later reports are sealed under keys nobody keeps, and repeats are still one fact."""
    await room.take("order", order())
    assert await room.keyring.erase(STORE, f"customer:{CUSTOMER_ID}", erased_at=room.clock.now())
    later = [await room.take("order", order(payment_status="refunded")) for _ in range(3)]
    assert [(taken.position, taken.outcome) for taken in later] == [(2, "appended"), (2, "duplicate"), (2, "duplicate")]
    for fact in await room.facts():
        opened = await room.unsealed(fact)
        assert b"Sari" not in opened
        assert b"sari@example.com" not in opened
        assert b"Kasir Dua" in opened


async def test_a_payout_told_again_with_another_amount_is_an_incident(room: Room) -> None:
    """Nothing is overwritten: the first report stands, the contradiction is a fact of its own, once."""
    first = await room.take("payout", payout())
    again = [await room.take("payout", payout(total_deposit=99000)) for _ in range(2)]
    assert [(taken.position, taken.outcome) for taken in again] == [(first.position, "duplicate")] * 2
    facts = await room.facts()
    assert [fact.type for fact in facts] == ["PayoutReported", "IntegrityIncident"]
    assert facts[1].stream_id == facts[0].stream_id == "payout-PO-1"
    incident = decode(facts[1])
    assert isinstance(incident, IntegrityIncident)
    assert (incident.field, incident.original, incident.reported) == ("total_deposit", "99300", "99000")
    assert incident.original_position == first.position
    assert len(room.incidents) == 1


async def test_a_payout_told_again_with_another_date_is_no_incident(room: Room) -> None:
    """Only amounts, currency and gateway may not change under one source id."""
    await room.take("payout", payout())
    await room.take("payout", payout(date="2026-11-21T00:00:00", total_fees="700.00"))
    assert len(await room.facts()) == 1


async def test_a_payout_that_is_completed_by_a_later_report_is_a_fact_again(room: Room) -> None:
    """What the first report left open is told by a further fact, once; then the whole is a repeat."""
    bare = {"reference_id": "PO-1", "status": "completed", "total_deposit": None, "currency": ""}
    outcomes = [(await room.take("payout", told)).outcome for told in (bare, payout(), payout(), bare)]
    assert outcomes == ["appended", "appended", "duplicate", "duplicate"]
    assert (await room.take("payout", payout())).position == 2
    assert (await room.take("payout", bare)).position == 1
    facts = await room.facts()
    assert [(fact.type, fact.stream_id) for fact in facts] == [("PayoutReported", "payout-PO-1")] * 2
    assert facts[1].source_id.startswith(f"{facts[0].source_id}:+")


@pytest.mark.parametrize("open_field", [{"date": None}, {"currency": ""}])
async def test_every_declared_field_that_was_left_open_completes_a_payout(
    room: Room, open_field: dict[str, str | None]
) -> None:
    """Without its date, for one, a payout cannot be booked; "" says as little as null."""
    await room.take("payout", payout(**open_field))
    assert (await room.take("payout", payout())).outcome == "appended"


async def test_a_payout_that_contradicts_a_completing_report_is_an_incident(room: Room) -> None:
    """The first report left the amount open, the second told it, so a third may not tell another."""
    await room.take("payout", payout(total_deposit=None))
    await room.take("payout", payout())
    assert (await room.take("payout", payout(total_deposit=5))).outcome == "duplicate"
    facts = await room.facts()
    assert [fact.type for fact in facts] == ["PayoutReported", "PayoutReported", "IntegrityIncident"]
    incident = decode(facts[2])
    assert isinstance(incident, IntegrityIncident)
    assert (incident.original_position, incident.field, incident.reported) == (2, "total_deposit", "5")


class MeetingReader(LedgerReader):
    """Lets nobody go on with a stream before two have read it."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._readers = 0
        self._met = asyncio.Event()

    async def read_stream_end(self, store_id: str, stream_id: str, *, facts_max: int = 1) -> list[Fact]:
        """Read, then wait for the other."""
        end = await super().read_stream_end(store_id, stream_id, facts_max=facts_max)
        self._readers += 1
        if self._readers == 2:
            self._met.set()
        await self._met.wait()
        return end


async def test_completing_reports_that_arrive_together_are_one_fact_and_an_incident(room: Room) -> None:
    """Neither can slip past the other: one is first, and the other contradicts it."""
    await room.take("payout", payout(total_deposit=None))
    room.intake = Intake(MeetingReader(room.pool), room.appender, room.keyring, room.clock)
    await asyncio.gather(*(room.take("payout", payout(total_deposit=amount)) for amount in (5, 6)))
    types = [fact.type for fact in await room.facts()]
    assert types == ["PayoutReported", "PayoutReported", "IntegrityIncident"]


async def test_a_polled_transaction_that_is_completed_later_is_a_fact_again(room: Room) -> None:
    """A transaction without its amount is not the last word on it."""
    bare = {"order_id": ORDER_ID, "transaction_id": "t1", "status": "success"}
    outcomes = [(await room.poll("transaction", told))[0].outcome for told in (bare, {**bare, "amount": 5}, bare)]
    assert outcomes == ["appended", "appended", "duplicate"]
    assert (await room.poll("transaction", {**bare, "amount": 5}))[0].position == 2


GUID = "ABCDEF00-0000-4000-8000-00000000000A"


async def test_a_guid_in_upper_and_in_lower_case_is_one_stream(room: Room) -> None:
    """Both cases are one object; the bytes stay as they came."""
    upper, lower = as_body(order(order_id=GUID)), as_body(order(order_id=GUID.lower(), status="void"))
    await room.take("order", upper)
    await room.take("order", lower)
    facts = await room.facts()
    assert {fact.stream_id for fact in facts} == {f"order-{GUID.lower()}"}
    assert {fact.source_id.rpartition(":")[0] for fact in facts} == {f"order:{GUID.lower()}"}
    assert [await room.unsealed(fact) for fact in facts] == [upper, lower]


async def test_a_transaction_id_in_two_cases_is_one_transaction(room: Room) -> None:
    """A source id that is made of fields knows no case of a GUID either; an id that is none keeps its case."""
    told = [{"order_id": "o1", "transaction_id": id_, "amount": 5} for id_ in (GUID, GUID.lower(), "T1", "t1")]
    outcomes = [taken.outcome for taken in await room.poll("transaction", *told)]
    assert outcomes == ["appended", "duplicate", "appended", "appended"]


async def test_an_erased_customer_is_erased_in_both_cases_of_the_id(room: Room) -> None:
    """One person, one mark: nothing that stood under the other spelling can be opened."""
    for id_ in (GUID, GUID.lower()):
        await room.take("order", order(customer_id=id_))
    assert await room.keyring.erase(STORE, f"customer:{GUID.lower()}", erased_at=room.clock.now())
    assert [fact for fact in await room.facts() if b"Contoh" in await room.unsealed(fact)] == []


async def test_a_polled_object_that_went_back_to_an_old_content_is_a_new_fact(room: Room) -> None:
    """A, B, A, A, B, A by poll are five facts: each difference from the latest report counts."""
    a, b = order(), order(status="void")
    outcomes = [(await room.poll("order", document))[0].outcome for document in (a, b, a, a, b, a)]
    assert outcomes == ["appended", "appended", "appended", "duplicate", "appended", "appended"]
    turns = [fact.source_id.split(":", 3)[3:] for fact in await room.facts()]
    assert turns == [[], [], ["2"], ["2"], ["3"]]


async def test_a_return_is_left_to_the_next_poll_when_the_stream_has_moved_on(room: Room) -> None:
    """A poll may have looked before the newest fact came in; then its old content proves nothing."""
    a, b = order(), order(status="void")
    await room.take("order", a)
    await room.take("order", b)
    assert (await room.poll("order", a, before=1))[0].outcome == "duplicate"
    assert (await room.poll("order", a))[0].outcome == "appended"


async def test_a_poll_tells_again_what_was_observed_before_another_report(room: Room) -> None:
    """A clock ran ahead: the void came in last and counts as older; it counts once a later poll shows it, then once."""
    sent_later = room.clock.now() + timedelta(minutes=1)
    a, b = order(), order(status="void")
    await room.take("order", a, observed_at=sent_later)
    assert (await room.poll("order", b))[0].outcome == "appended"
    room.clock.advance(timedelta(minutes=2))
    assert [(await room.poll("order", b))[0].outcome for _ in range(2)] == ["appended", "duplicate"]


async def test_a_poll_tells_again_what_only_a_webhook_told_after_something_else(room: Room) -> None:
    """A status that goes back counts only on a poll; where nothing else was ever told, webhook and poll are one."""
    a, b = order(), order(status="void")
    await room.take("order", a)
    assert (await room.poll("order", a))[0].outcome == "duplicate"
    await room.take("order", b)
    assert [(await room.poll("order", b))[0].outcome for _ in range(2)] == ["appended", "duplicate"]


async def test_a_repeated_webhook_never_brings_an_old_content_back(room: Room) -> None:
    """A retry carries what was true at its first try: A, B, A by webhook are two facts."""
    a, b = order(), order(status="void")
    assert [(await room.take("order", document)).outcome for document in (a, b, a)] == [
        "appended",
        "appended",
        "duplicate",
    ]


async def test_polled_transactions_of_one_order_do_not_return(room: Room) -> None:
    """Transactions share their order's stream and are told apart by id and status, so none is ever told twice."""
    one = {"order_id": ORDER_ID, "transaction_id": "t1", "status": "success", "amount": 5}
    two = {**one, "transaction_id": "t2"}
    await room.poll("transaction", one, two)
    assert [taken.outcome for taken in await room.poll("transaction", one, two)] == ["duplicate", "duplicate"]
    missing = {key: value for key, value in one.items() if key != "transaction_id"}
    assert (await room.poll("transaction", missing))[0].field == "transaction_id"
