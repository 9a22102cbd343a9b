"""Whom an order is booked on: one contact a customer, for ever, under iSeller's id where Jurnal can look it up."""

import msgspec
import pytest

from eventstore.facts.reports.orders import OrderReport
from eventstore.facts.settings import SalesRulesSet
from projections.changes.orders import OrderState
from projections.changes.settings import StoreSettings
from projections.jurnal_commands.commands import CreateCustomer
from projections.jurnal_commands.customers import customer_of
from tests.ledger import OTHER_STORE, STORE

GUID = "7f3c1d90-4a5e-4a3c-9a53-2f6a0d3f6b11"
ON, OFF = (StoreSettings(rules=SalesRulesSet(customer_ids=told)) for told in (True, False))


def order_of(customer_id: str | None = GUID, external: str | None = None, order_id: str = "order-1") -> OrderReport:
    """Return an order of a customer."""
    return OrderReport(order_id=order_id, customer_id=customer_id, external_customer_id=external)


def created(order: OrderReport, settings: StoreSettings = ON, position: int = 12) -> CreateCustomer:
    """Return the command for the order's customer."""
    (planned,) = customer_of(OrderState(order_id=order.order_id, customer_position=position), order, settings, STORE)
    assert isinstance(planned.command, CreateCustomer)
    return planned.command


def test_an_order_without_a_customer_is_booked_on_the_walk_in_contact() -> None:
    """No command: the invoice names the contact of the set-up."""
    assert customer_of(OrderState(order_id="order-1"), order_of(None), ON, STORE) == ()


def test_the_command_points_at_the_fact_that_holds_the_name_and_names_nobody() -> None:
    """The position, iSeller's ids; nothing personal."""
    command = created(order_of(external="MEM-7"))
    assert command == CreateCustomer(customer_id=GUID, code="MEM-7", position=12, own_id="MEM-7")


@pytest.mark.parametrize("told", ["Umum", "MEM.001", "a_1-b", "K" * 100])
def test_iseller_s_id_is_jurnal_s_too_where_jurnal_can_look_it_up(told: str) -> None:
    """The same id in both systems, and the code that makes the display name unique."""
    assert (created(order_of(external=told)).own_id, created(order_of(external=told)).code) == (told, told)


@pytest.mark.parametrize("told", ["001", "12345", "1.5", "-", "#12", "A/B", "Ibu Rina", "café", "K" * 101, "cus-x.y"])
def test_an_id_that_jurnal_could_not_look_up_or_would_mistake_only_makes_the_name_unique(told: str) -> None:
    """A bare number is taken for Jurnal's own, a # or / cuts the path, ours are kept apart; people still see it.

    Another store of the company may have a person of that id and name: the GUID's code stands behind it.
    """
    told_of = created(order_of(external=told))
    assert (told_of.own_id, told_of.code) == (None, f"{told} 7f3c1d90")


@pytest.mark.parametrize("told", [None, "", "  "])
def test_a_customer_without_an_id_gets_ours(told: str | None) -> None:
    """The first eight characters of the GUID make the name unique."""
    assert (created(order_of(external=told)).own_id, created(order_of(external=told)).code) == (None, "7f3c1d90")


def test_with_the_rule_off_the_id_is_ours_whatever_iseller_has() -> None:
    """ISeller's own switch: off, its id stays in iSeller."""
    assert (created(order_of(external="MEM-7"), OFF).own_id, created(order_of(external="MEM-7"), OFF).code) == (
        None,
        "7f3c1d90",
    )


def test_a_customer_is_one_command_whatever_changes() -> None:
    """Another order, another id, another rule, another report: the same identity, lane and record."""
    plans = [
        customer_of(OrderState(order_id=order.order_id, customer_position=position), order, settings, STORE)[0]
        for order, settings, position in (
            (order_of(), ON, 3),
            (order_of(external="MEM-7", order_id="order-2"), ON, 9),
            (order_of(external="MEM-8", order_id="order-3"), OFF, 0),
        )
    ]
    assert {(plan.command_id, plan.lane, plan.record.record_id) for plan in plans} == {
        (f"cus-{STORE}.{GUID}", f"customer-{GUID}", f"customer-{GUID}")
    }


def test_the_same_customer_of_another_store_is_another_one() -> None:
    """Every identity leads with its store."""
    (here,) = customer_of(OrderState(order_id="order-1"), order_of(), ON, STORE)
    (there,) = customer_of(OrderState(order_id="order-1"), order_of(), ON, OTHER_STORE)
    assert here.command_id != there.command_id


def test_two_customers_never_share_a_command() -> None:
    """Even under one id of the shopkeeper's: the GUID decides."""
    first, second = (order_of(f"{number}{GUID[1:]}", "MEM-7") for number in (1, 2))
    identities = {customer_of(OrderState(order_id="o"), order, ON, STORE)[0].command_id for order in (first, second)}
    assert len(identities) == 2
    assert msgspec.structs.replace(created(first), customer_id="") == msgspec.structs.replace(
        created(second), customer_id="", code=created(first).code
    )
