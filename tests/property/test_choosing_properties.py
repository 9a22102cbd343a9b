"""Which call comes next, whatever waits: as full as it can be, nothing left out, nothing together that must not be."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from projections.jurnal_commands.commands import DeleteInvoice
from projections.jurnal_commands.queue import Send
from service.choosing import BatchLimits, Chosen, Saving, Waiting, choose, may_join
from service.jurnal.pace import Purpose

NOW = datetime(2026, 3, 2, 5, tzinfo=UTC)
STORES = ("kopi", "teh")
LIMITS = BatchLimits(rows_max=4, wait_seconds=60)
COMMAND = DeleteInvoice(order_id="o", order_reference="#o", invoice="inv")


def send(number: int, store_id: str, kind: str, seconds: int, *, alone: bool) -> Send:
    """Return a send that has been due for so many seconds."""
    return Send(
        store_id=store_id, command_id=f"{number:03}", stream_id="", command=COMMAND, kind=kind, state="due", attempt=0,
        signed_at=None, absent_from=None, request_digest="", due_at=NOW - timedelta(seconds=seconds), alone=alone,
    )  # fmt: skip


drawn = st.lists(
    st.tuples(
        st.sampled_from(STORES),
        st.sampled_from(("BookInvoice", "ReceivePayment", "TransferStock", "")),
        st.integers(0, 90),
        st.sampled_from((False, False, False, True)),
        st.sampled_from((Purpose.FRESH, Purpose.BACKFILL)),
    ),
    max_size=14,
)
Drawn = list[tuple[str, str, int, bool, Purpose]]


def waiting(rows: Drawn) -> list[Waiting]:
    """Return what waits, oldest first."""
    made = [
        Waiting(send(number, store_id, kind, seconds, alone=alone), purpose)
        for number, (store_id, kind, seconds, alone, purpose) in enumerate(rows)
    ]
    return sorted(made, key=lambda each: (each.send.due_at, each.send.command_id))


@given(drawn, st.booleans())
def test_what_goes_together_is_of_one_kind_and_purpose_and_none_of_it_must_go_alone(
    rows: Drawn, is_short: bool
) -> None:
    """And never more than a call may hold, none twice."""
    offered = {each.send.key: each for each in waiting(rows)}
    chosen = choose(offered.values(), STORES, LIMITS, NOW, is_short=is_short)
    if not isinstance(chosen, Chosen):
        return
    assert 1 <= len({each.key for each in chosen.sends}) == len(chosen.sends) <= LIMITS.rows_max
    assert {offered[each.key].purpose for each in chosen.sends} == {chosen.purpose}
    assert len({each.kind for each in chosen.sends}) == 1
    assert len(chosen.sends) == 1 or all(may_join(each) for each in chosen.sends)


@given(drawn, st.booleans())
def test_nothing_goes_only_where_nothing_may_and_saving_ends(rows: Drawn, is_short: bool) -> None:
    """Calls are saved only where they are short, and never longer than the oldest may wait."""
    chosen = choose(waiting(rows), STORES, LIMITS, NOW, is_short=is_short)
    assert (chosen is None) is (not rows)
    if isinstance(chosen, Saving):
        assert is_short
        assert NOW < chosen.until <= NOW + timedelta(seconds=LIMITS.wait_seconds)
        assert not isinstance(choose(waiting(rows), STORES, LIMITS, chosen.until, is_short=True), Saving)


@given(drawn)
def test_a_call_that_is_not_full_takes_all_of_its_kind_along_and_goes_before_no_full_one(rows: Drawn) -> None:
    """What is left of its kind and purpose would cost a call of its own."""
    offered = waiting(rows)
    chosen = choose(offered, STORES, LIMITS, NOW, is_short=False)
    if not isinstance(chosen, Chosen) or len(chosen.sends) == LIMITS.rows_max or not may_join(chosen.sends[0]):
        return
    alike = {
        each.send.key
        for each in offered
        if may_join(each.send) and (each.send.kind, each.purpose) == (chosen.sends[0].kind, chosen.purpose)
    }
    assert {each.key for each in chosen.sends} == alike
    if not chosen.is_full:
        assert all(may_join(each.send) for each in offered)


@given(drawn)
def test_whatever_waits_goes_in_the_end_and_each_once(rows: Drawn) -> None:
    """Call by call nothing is left, with as many calls as the kinds need and not one more."""
    left = {each.send.key: each for each in waiting(rows)}
    joining = {(each.send.kind, each.purpose) for each in left.values() if may_join(each.send)}
    sizes = [
        sum(may_join(each.send) and (each.send.kind, each.purpose) == group for each in left.values())
        for group in joining
    ]
    needed = sum(not may_join(each.send) for each in left.values()) + sum(-(-size // 4) for size in sizes)
    calls = 0
    while isinstance(chosen := choose(left.values(), STORES, LIMITS, NOW, is_short=False), Chosen):
        calls += 1
        for each in chosen.sends:
            del left[each.key]
    assert (left, calls) == ({}, needed)


def test_a_store_with_a_little_is_not_behind_one_with_much() -> None:
    """Each store in turn has a place in the call, however old the other's queue is."""
    many = [Waiting(send(number, "kopi", "BookInvoice", 90, alone=False), Purpose.FRESH) for number in range(9)]
    one = Waiting(send(99, "teh", "BookInvoice", 1, alone=False), Purpose.FRESH)
    chosen = choose([*many, one], STORES, LIMITS, NOW, is_short=False)
    assert isinstance(chosen, Chosen)
    assert {each.store_id for each in chosen.sends} == {"kopi", "teh"}


def test_with_one_row_a_call_every_document_goes_by_itself() -> None:
    """The setting turns batches off."""
    offered = [Waiting(send(number, "kopi", "BookInvoice", 9, alone=False), Purpose.FRESH) for number in range(3)]
    chosen = choose(offered, STORES, BatchLimits(rows_max=1), NOW, is_short=True)
    assert isinstance(chosen, Chosen)
    assert len(chosen.sends) == 1
